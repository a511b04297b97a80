"""Declared against effective: the lr that a config asks for, and the one that the restored state carries.

A run that is resumed with a new lr restores its optimizer and scheduler, and with them the old lr; the
config then says one thing and the training does another (measured with transformers' Trainer).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isclose

from explorer.checkpoints.values import Value, Values
from explorer.lineage.values import show_scalar

_DECLARED = re.compile(
    r"(?:(?:run|training_args|hyper_parameters|hparams|args|training|train|optim|optimizer|lr_scheduler|scheduler|"
    r"trainer|adam|config)\.)*(?:lr|learning_rate|base_lr|max_lr|peak_lr)"
)
_BASE = re.compile(r"(?:.*\.)?(?:base_lrs(?:\.\d+)?|initial_lr|max_lr|peak_lr)")
_CURRENT = re.compile(r"(?:.*\.)?(?:lr|learning_rate|_last_lr)")
_SCHEDULE = re.compile(
    r"(?:.*\.)?[a-z_]*(?:schedul|warmup|decay_steps|decay_style|min_lr|lr_decay|anneal)[a-z_]*.*"
)
_CONSTANT = ("constant", "none", "const", "fixed", "0", "")


def declared(config: Values) -> dict[str, float]:
    """What the configuration asks for, by path."""
    return dict(_rates(config, _DECLARED))


def base_rates(state: Values) -> dict[str, float]:
    """The rates that schedules start from or aim at, as the restored state carries them."""
    return dict(_rates(state, _BASE))


def current_rates(state: Values) -> dict[str, float]:
    """The rates at the checkpoint's step."""
    return {path: rate for path, rate in _rates(state, _CURRENT) if not _BASE.fullmatch(path)}


def contradictions(config: Values, state: Values) -> list[str]:
    """In words, where the state carries another lr than the one that the config declares."""
    wanted = declared(config)
    if not wanted:
        return []
    bases, current = base_rates(state), current_rates(state)
    effective = bases or current
    found = []
    for path, rate in wanted.items():
        if not effective or any(_same(rate, other) for other in effective.values()):
            continue
        where, other = next(iter(effective.items()))
        lower = not bases and all(value < rate for value in current.values())
        if lower and _has_schedule(config):
            continue  # a schedule explains a rate below the declared one
        words = f"the config declares {path} {show_scalar(rate)}, but "
        if bases:
            words += f"the restored state carries {where} {show_scalar(other)}: the config is not heeded"
        else:
            words += f"{where} of the training state is {show_scalar(other)}"
        found.append(words)
    return found


def unheeded(a_config: Values, a_state: Values, b_config: Values, b_state: Values) -> list[str]:
    """In words, where two configs declare different rates and both states carry the same."""
    wanted_a, wanted_b = declared(a_config), declared(b_config)
    found = []
    for path in sorted(wanted_a.keys() & wanted_b.keys()):
        if _same(wanted_a[path], wanted_b[path]):
            continue
        for rates in (base_rates, current_rates):
            have_a, have_b = rates(a_state), rates(b_state)
            shared = have_a.keys() & have_b.keys()
            if shared and all(_same(have_a[key], have_b[key]) for key in shared):
                key = min(shared)
                was, now = show_scalar(wanted_a[path]), show_scalar(wanted_b[path])
                found.append(
                    f"{path} was changed from {was} to {now}, but {key} is {show_scalar(have_a[key])} "
                    "on both sides: the change did not take effect"
                )
                break
    return found


def _rates(values: Values, pattern: re.Pattern[str]) -> Iterable[tuple[str, float]]:
    for path, value in values.items():
        if pattern.fullmatch(path):
            for rate in _numbers(value):
                yield path, rate
                break


def _numbers(value: Value) -> list[float]:
    items = value if isinstance(value, tuple) else (value,)
    return [float(v) for v in items if isinstance(v, int | float) and not isinstance(v, bool) and v > 0]


def _has_schedule(config: Values) -> bool:
    return any(
        _SCHEDULE.fullmatch(path) and str(value).lower() not in _CONSTANT and value is not None
        for path, value in config.items()
    )


def _same(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=1e-6)
