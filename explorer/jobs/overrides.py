"""What a resume may change, and whether a value can be meant: checked before anything is forked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.errors import BadInput, nearest
from explorer.lineage.values import Overrides, Scalar, show_scalar

_KINDS: dict[str, tuple[type, ...]] = {
    "float": (int, float),
    "number": (int, float),
    "int": (int,),
    "bool": (bool,),
    "str": (str,),
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a template says of one override."""

    kind: str
    """`float`, `int`, `number` (either), `bool`, `str` or `any`."""
    min: float | None = None
    max: float | None = None
    choices: tuple[Scalar, ...] = ()


Schema = Mapping[str, Allowed]


def check_overrides(overrides: Overrides, schema: Schema | None, *, where: str) -> Overrides:
    """The overrides as the schema types them (`lr=1` is 1.0); without a schema they pass as they are.

    Raises:
        BadInput: a name that the schema does not know (the nearest are named), or a value it refuses.
    """
    if schema is None:
        return overrides
    return tuple((name, _checked(name, value, schema, where)) for name, value in overrides)


def _checked(name: str, value: Scalar, schema: Schema, where: str) -> Scalar:
    allowed = schema.get(name)
    if allowed is None:
        known = ", ".join(f"`{known}`" for known in schema) or "nothing"
        hint = nearest(name, schema, f"it takes {known}")
        raise BadInput(f"`{name}` is not an override that this training takes.", hint=hint, where=where)
    if allowed.kind == "any":
        return value
    shown = show_scalar(value)
    fits = isinstance(value, _KINDS[allowed.kind]) and (allowed.kind == "bool" or not isinstance(value, bool))
    if not fits:
        if allowed.kind == "str" and value is not None:
            return shown
        raise BadInput(
            f"`{name}={shown}` has the wrong type.", hint=f"`{name}` takes {_words(allowed)}", where=where
        )
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    too_low = number is not None and allowed.min is not None and not number >= allowed.min
    too_high = number is not None and allowed.max is not None and not number <= allowed.max
    if too_low or too_high or (allowed.choices and value not in allowed.choices):
        raise BadInput(
            f"`{name}={shown}` is out of range.", hint=f"`{name}` takes {_words(allowed)}", where=where
        )
    return number if allowed.kind == "float" else value


def _words(allowed: Allowed) -> str:
    if allowed.choices:
        return "one of " + ", ".join(show_scalar(choice) for choice in allowed.choices)
    words = {
        "float": "a number",
        "number": "a number",
        "int": "a whole number",
        "bool": "true or false",
        "str": "a text",
    }[allowed.kind]
    if allowed.min is not None:
        words += f" from {show_scalar(allowed.min)}"
    if allowed.max is not None:
        words += f" up to {show_scalar(allowed.max)}"
    return words


def schema_from_toml(told: Mapping[str, Any], *, where: str) -> dict[str, Allowed]:
    """Read `[override_schema]`: `lr = { type = "float", min = 0 }`, or just `lr = "float"`.

    Raises:
        BadInput: an unknown type or an unknown word in it.
    """
    schema = {}
    for name, rule in told.items():
        words: Any = {"type": rule} if isinstance(rule, str) else rule
        strange = set(words) - {"type", "min", "max", "choices"} if isinstance(words, dict) else {"it"}
        if strange or words.get("type") not in (*_KINDS, "any"):
            hint = 'write it like `lr = { type = "float", min = 0 }`; types: float int number bool str any'
            raise BadInput(f"`override_schema.{name}` cannot be read.", hint=hint, where=where)
        schema[name] = Allowed(
            words["type"], words.get("min"), words.get("max"), tuple(words.get("choices", ()))
        )
    return schema


def schema_from_config(config: Mapping[str, Any]) -> dict[str, Allowed]:
    """What a recorded run's own config lets one change: its scalar keys, with the types they had."""
    schema = {}
    for name, value in config.items():
        if isinstance(value, bool):
            schema[name] = Allowed("bool")
        elif isinstance(value, (int, float)):
            # an lr written as 1 must not keep one from trying 0.5
            schema[name] = Allowed("float" if isinstance(value, float) else "number")
        elif isinstance(value, str):
            schema[name] = Allowed("str")
        elif value is None:
            schema[name] = Allowed("any")
    return schema
