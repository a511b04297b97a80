"""From a checkpoint, a template and overrides to a job that can be submitted."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import BadInput
from explorer.jobs.credentials import PROFILE, allowed_environment
from explorer.jobs.granting import Issued
from explorer.jobs.preflight import Start
from explorer.jobs.spec import JobSpec, runs_folder
from explorer.jobs.templates import Template
from explorer.lineage.values import Overrides
from explorer.storage import Store


@dataclass(frozen=True, slots=True)
class Launchable:
    """A job with what must not be written down: its keys and the variables it inherits."""

    spec: JobSpec
    keys: Mapping[str, str]
    passed: Mapping[str, str]


def prepare(
    store: Store,
    data: Path,
    *,
    run_id: str,
    bucket: str,
    start: Start | None,
    template: Template,
    overrides: Overrides,
    restore_dir: Path | None = None,
    issued: Issued | None = None,
    environ: Mapping[str, str] | None = None,
) -> Launchable:
    """Fill a template in, with the key that was made for the job (rehearsed with the store's own).

    Nothing is created or started.

    Raises:
        BadInput: the template asks for what there is not.
    """
    environ = os.environ if environ is None else environ
    keys = issued.keys if issued else store.environment()
    folder = runs_folder(data) / run_id
    source = start.node if start else None
    values = {
        "bucket": bucket,
        "source": source.address if source else "",
        "source_bucket": source.bucket if source else "",
        "snapshot": (source.version or "") if source else "",
        "step": "" if start is None or start.checkpoint.step is None else str(start.checkpoint.step),
        "endpoint": store.info.endpoint,
        "run": run_id,
        "run_dir": str(folder),
        "restore_dir": str(restore_dir) if restore_dir else "",
        "python": sys.executable,
    }
    argv = template.command(values, overrides)
    if any(secret and secret in word for word in argv for secret in _secrets(keys)):
        raise BadInput(
            "The command line would show a key to everybody on this machine.",
            hint="leave keys out of `argv`: the job finds them by itself",
            where=template.where,
        )
    env = {
        "PYTHONUNBUFFERED": "1",
        **template.environment(values),
        "EXPLORER_BUCKET": bucket,
        "EXPLORER_RUN": run_id,
        "EXPLORER_OVERRIDES": json.dumps(dict(overrides)),
        "EXPLORER_DATA": str(data),
        "AWS_ENDPOINT_URL_S3": keys["AWS_ENDPOINT_URL_S3"],
        "AWS_REGION": keys.get("AWS_REGION", "auto"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_CONFIG_FILE": os.devnull,  # a profile called `job` in the user's own file must not bend it
        "AWS_PROFILE": PROFILE,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if source:
        env["EXPLORER_SOURCE"] = source.address
    if restore_dir:
        env["EXPLORER_RESTORE_DIR"] = str(restore_dir)
    spec = JobSpec(
        id=run_id,
        argv=argv,
        cwd=Path(template.cwd).expanduser(),
        bucket=bucket,
        source=source,
        endpoint=store.info.endpoint,
        local_store=store.info.is_local,
        template=template.name,
        env=env,
        overrides=overrides,
        created_ns=time.time_ns(),
        grace_s=template.grace_s,
        signal_group=template.shell,
        key=issued.grant.key if issued and issued.grant else None,
        warning=issued.warning if issued else None,
    )
    return Launchable(spec, keys, allowed_environment(environ, template.pass_env))


def _secrets(keys: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(keys.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
