"""`runs/<run-id>/run.json`: who wrote a metrics file, from where, and when."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from explorer.lineage.address import Node
from explorer.lineage.values import Overrides
from explorer.metrics.hyperparameters import flattened
from explorer.metrics.series import Attempt, Series, Trouble
from explorer.metrics.told import number

METRICS_KEY = re.compile(r"runs/([^/]+)/metrics\.jsonl")


def run_key(metrics_key: str) -> str:
    """The key of the run file that stands beside a metrics file."""
    return metrics_key.rpartition("/")[0] + "/run.json"


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a run says of itself; a field nobody wrote is None."""

    run: str
    bucket: str | None = None
    source: Node | None = None
    restored_step: float | None = None
    fresh: bool = False
    """It is known to have started from nothing."""
    started_s: float = math.nan
    config: Overrides = ()
    troubles: tuple[Trouble, ...] = ()

    def attempt(
        self, bucket: str, series: Mapping[str, Series], *, key: str = "", troubles: tuple[Trouble, ...] = ()
    ) -> Attempt:
        """The attempt that wrote `series`; `bucket` where the run file does not tell one."""
        return Attempt(
            id=self.run,
            bucket=self.bucket or bucket,
            series=series,
            started_s=self.started_s,
            source=self.source,
            restored_step=self.restored_step,
            fresh=self.fresh,
            key=key,
            config=self.config,
            troubles=(*self.troubles, *troubles),
        )


def read_run_file(run: str, data: bytes | None, *, file: str) -> RunFile:
    """Read a run file, as much of it as is well formed; None stands for a file that is not there."""
    if data is None:
        return RunFile(run)
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return RunFile(run, troubles=(Trouble(file, 0, "the run file is not a JSON object"),))
    source = told.get("source")
    node = None
    if isinstance(source, dict) and isinstance(source.get("bucket"), str):
        version = source.get("version")
        node = Node(source["bucket"], str(version) if version is not None else None)
    step = told.get("restored_step")
    restored = number(step) if not isinstance(step, str) else None
    known = restored is not None and math.isfinite(restored)
    return RunFile(
        run=run,
        bucket=told["bucket"] if isinstance(told.get("bucket"), str) else None,
        source=node,
        restored_step=restored if known else None,
        fresh=not known and "source" in told and source is None,
        started_s=seconds(told.get("started_at")),
        config=flattened(told.get("config"), told.get("overrides")),
    )


def seconds(told: object) -> float:
    """A time as UNIX seconds: a number, or RFC 3339; NaN for anything else."""
    if isinstance(told, (int, float)) and not isinstance(told, bool):
        return float(told)
    if isinstance(told, str):
        try:
            return datetime.fromisoformat(told).timestamp()
        except (ValueError, OverflowError):
            return math.nan
    return math.nan
