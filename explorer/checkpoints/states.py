"""Config and training state that lie beside the weights as plain JSON."""

from __future__ import annotations

from typing import Any

from explorer.checkpoints.inert import plain_tree
from explorer.checkpoints.jsons import flatten, parse_json, parse_object
from explorer.checkpoints.kinds import base
from explorer.checkpoints.values import Part
from explorer.checkpoints.yamls import parse_yaml
from explorer.errors import BadCheckpoint

KNOWN = (
    "config.json",
    "trainer_state.json",
    "training_state.json",
    "train_state.json",
    "adapter_config.json",
)
"""Read whatever their size, and nothing but an object is taken for them."""
_SETS = ("target_modules", "modules_to_save", "exclude_modules")
"""PEFT writes Python sets: their order in the file means nothing."""
_SILENT = frozenset({"log_history", "stateful_callbacks", "is_hyper_param_search", "is_local_process_zero"})


def read_json(file: str, data: bytes) -> Part:
    """What a JSON file of a checkpoint tells, by its name; files nobody knows count as configuration.

    Raises:
        BadCheckpoint: one of a known name that is no JSON object.
    """
    name = base(file)
    if name not in KNOWN:
        return _stray(file, data)
    body = parse_object(data, file)
    if name == "trainer_state.json":
        return _trainer_state(file, body)
    if name in ("training_state.json", "train_state.json"):
        return Part(file, "json", state=flatten(_renamed(body)))
    if name == "adapter_config.json":
        return Part(file, "json", config=flatten(_sorted_sets(body), "adapter"))
    return Part(file, "json", config=flatten(body, _prefix(file)))


def _stray(file: str, data: bytes) -> Part:
    """A file that may be anybody's: a list, lines of JSON or a torn log spoil no checkpoint."""
    try:
        body = parse_json(data, file)
    except BadCheckpoint as error:
        return Part(file, "json", warnings=(f"{error} It was compared as an object.",))
    return Part(file, "json", config=flatten(body, _prefix(file)) if isinstance(body, dict | list) else {})


def read_yaml(file: str, data: bytes) -> Part:
    """Settings in YAML: OmegaConf's, Hydra's, Lightning's `hparams.yaml`; a warning for other kinds."""
    try:
        value, tags = parse_yaml(data, file)
    except BadCheckpoint as error:
        return Part(file, "yaml", warnings=(f"{error} It was compared as an object.",))
    config = flatten(plain_tree(value), _prefix(file)) if isinstance(value, dict | list) else {}
    return Part(file, "yaml", config=config, refers_to=tags)


def _prefix(file: str) -> str:
    """What the settings of a file are called by: nothing for a config, the path for one in a folder below."""
    stem = file.rpartition(".")[0].replace("/", ".")
    folder, _, name = stem.rpartition(".")
    return folder if name in ("config", "model_config", "hparams") else stem


def _trainer_state(file: str, body: dict[str, Any]) -> Part:
    """transformers.TrainerState: the scalars, and of the log the last row that has each name."""
    warnings: tuple[str, ...] = ()
    kept = {key: value for key, value in _renamed(body).items() if key not in _SILENT}
    history = body.get("log_history", [])
    latest: dict[str, Any] = {}
    if isinstance(history, list):
        for row in history:
            if isinstance(row, dict):
                latest |= {key: value for key, value in row.items() if isinstance(value, int | float | str)}
    else:
        warnings = (f"{file}: `log_history` is not a list, it was left out",)
    for name in ("step", "epoch"):
        latest.pop(name, None)
    return Part(file, "json", state=flatten(kept) | flatten(latest, "log"), warnings=warnings)


def _renamed(body: dict[str, Any]) -> dict[str, Any]:
    """The same words from every trainer: `step`, `epoch`, `tokens`."""
    step = body.get("step", body.get("global_step", body.get("iteration")))
    if step is not None and not isinstance(step, int | float):
        raise BadCheckpoint("The training state's step is not a number.", hint="the file was written by hand")
    rest = {key: value for key, value in body.items() if key not in ("step", "global_step", "iteration")}
    return rest if step is None else {"step": step, **rest}


def _sorted_sets(body: dict[str, Any]) -> dict[str, Any]:
    def tidy(value: Any) -> Any:
        return sorted(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else value

    return {key: tidy(value) if key in _SETS else value for key, value in body.items()}
