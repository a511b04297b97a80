"""YAML as trainers write it, from PyYAML's events: nothing is built, so that no file can act or grow.

A tag is noted like a pickle's global, an alias stays the text that it is. Source: yaml.org/spec/1.1, as
PyYAML resolves it, and floats without a dot (`1e-3`), which OmegaConf and people mean as numbers.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from explorer.checkpoints.jsons import BOM
from explorer.errors import BadCheckpoint

_MAX_DEPTH = 60
_STANDARD = "tag:yaml.org,2002:"
_FLOAT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BUILDER = yaml.constructor.SafeConstructor()
_RESOLVER = yaml.resolver.Resolver()


def parse_yaml(data: bytes, file: str) -> tuple[Any, tuple[str, ...]]:
    """The value of a YAML text (maps with text keys, lists, scalars), and the tags that it names.

    Raises:
        BadCheckpoint: not UTF-8, no YAML, more than one document, or nested too deeply.
    """
    try:
        text = data.removeprefix(BOM).decode()
    except UnicodeDecodeError:
        raise BadCheckpoint(
            f"`{file}` is not text.", hint="another program wrote a file of this name"
        ) from None
    building = _Building()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            building.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "it has a character that YAML forbids"
        raise BadCheckpoint(
            f"`{file}` is not YAML: {why}.",
            hint="it is compared as an object all the same",
            where=f"line {mark.line + 1}" if mark is not None else None,
        ) from None
    except _TooMuch as error:
        raise BadCheckpoint(
            f"`{file}` is YAML of a kind that no trainer writes: {error}.",
            hint="it is compared as an object all the same",
        ) from None
    return building.value, tuple(building.tags)


class _TooMuch(Exception):
    """What is YAML all the same."""


class _Building:
    """A tree out of events, without recursion."""

    def __init__(self) -> None:
        self.value: Any = None
        self.tags: dict[str, None] = {}
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str | None] = []
        """For each open container the key that waits for its value."""
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _TooMuch("it holds several documents")
        elif isinstance(event, yaml.AliasEvent):
            self._put(f"*{event.anchor}")
        elif isinstance(event, yaml.ScalarEvent):
            self._note(event.tag)
            is_key = bool(self._open) and isinstance(self._open[-1], dict) and self._keys[-1] is None
            self._put(event.value if is_key else _scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._note(event.tag)
            made: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._put(made)
            if len(self._open) == _MAX_DEPTH:
                raise _TooMuch(f"it is nested deeper than {_MAX_DEPTH} levels")
            self._open.append(made)
            self._keys.append(None)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def _put(self, value: Any) -> None:
        if not self._open:
            self.value = value
        elif isinstance(into := self._open[-1], list):
            into.append(value)
        elif (key := self._keys[-1]) is not None:
            into[key], self._keys[-1] = value, None
        elif isinstance(value, str):
            self._keys[-1] = value
        else:
            raise _TooMuch("a key is a map or a list")

    def _note(self, tag: str | None) -> None:
        if tag is not None and tag != "!":
            self.tags[tag.removeprefix(_STANDARD)] = None


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if event.tag is not None:
        return text
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, event.implicit).removeprefix(_STANDARD)
    try:
        match tag:
            case "null":
                return None
            case "bool":
                return _BUILDER.bool_values[text.lower()]
            case "int":
                return _BUILDER.construct_yaml_int(yaml.ScalarNode(tag, text))
            case "float":
                return _BUILDER.construct_yaml_float(yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError):  # thousands of digits
        return text
    return float(text) if event.implicit[0] and _FLOAT.fullmatch(text) else text
