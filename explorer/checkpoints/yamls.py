"""YAML as trainers write it (OmegaConf, PyYAML, Hydra): block maps and lists, scalars, short flow values.

Nothing is built: a tag is noted like a pickle's global, an alias stays the text that it is, so that no file
can grow in the reading. What is beyond this is refused. Source: yaml.org/spec/1.2.2 and PyYAML's emitter.
"""

from __future__ import annotations

import re
from typing import Any

from explorer.checkpoints.jsons import BOM
from explorer.errors import BadCheckpoint

MAX_YAML_BYTES = 256 * 1024
_MAX_DEPTH = 60
_QUOTED_KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*:(?=\s|$)""")
_PLAIN = re.compile(r"[^,\[\]{}:]*(?::(?![\s,\]}]|$)[^,\[\]{}:]*)*")
"""A scalar between brackets."""
_PROPERTY = re.compile(r"(![^\s,\[\]{}]*|&[^\s,\[\]{}]+)(?:\s+|$)")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,300})")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "true": True, "yes": True, "on": True,
    "false": False, "no": False, "off": False,
    ".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip
_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
    "_": "\xa0", "N": "\x85", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_ESCAPED = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def parse_yaml(data: bytes, file: str) -> tuple[Any, tuple[str, ...]]:
    """The value of a YAML text, and the tags that it names.

    Raises:
        BadCheckpoint: not UTF-8, or YAML of a kind that no trainer writes.
    """
    try:
        reader = _Reader(data.removeprefix(BOM).decode(), file)
    except UnicodeDecodeError:
        raise BadCheckpoint(
            f"`{file}` is not text.", hint="another program wrote a file of this name"
        ) from None
    value = reader.node(-1, 0) if reader.more() else None
    if reader.more():
        raise reader.refused("what follows belongs to nothing")
    return value, tuple(reader.tags)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.tags: dict[str, None] = {}
        self._lines = text.splitlines()
        self._at = 0
        while self.more() and self._lines[self._at].startswith("%"):
            self._at += 1
        if self.more() and re.fullmatch(r"---(?:\s+#.*)?", self._lines[self._at]):
            self._at += 1

    def more(self) -> bool:
        """Go on to the next line that says something; False at the end."""
        while self._at < len(self._lines):
            text = self._lines[self._at].strip()
            if text == "..." and self._lines[self._at][0] == ".":
                self._lines = self._lines[: self._at]
            elif text and text[0] != "#":
                return True
            else:
                self._at += 1
        return False

    def refused(self, why: str) -> BadCheckpoint:
        hint = "it is compared as an object all the same"
        where = f"line {self._at + 1}"
        return BadCheckpoint(f"`{self.file}` is not YAML as it is read here: {why}.", hint=hint, where=where)

    def node(self, above: int, depth: int) -> Any:
        """The value whose lines are indented by more than `above`; None where there are none."""
        if not self.more() or self._indent() <= above:
            return None
        if depth > _MAX_DEPTH:
            raise self.refused("it is nested too deeply")
        indent, text = self._indent(), self._lines[self._at].strip()
        if _is_item(text):
            return self._list(indent, depth)
        if _key(text):
            return self._map(indent, depth)
        self._at += 1
        return self._value(text, above, depth)

    def _indent(self) -> int:
        line = self._lines[self._at]
        indent = len(line) - len(line.lstrip(" "))
        if line[indent : indent + 1] == "\t":
            raise self.refused("a tab indents it")
        return indent

    def _list(self, indent: int, depth: int) -> list[Any]:
        items = []
        while self.more() and self._indent() == indent:
            text = self._lines[self._at].strip()
            if not (_is_item(text)):
                break
            rest = text[1:].lstrip()
            inner = indent + len(text) - len(rest)
            if _is_item(rest) or _key(rest):
                self._lines[self._at] = " " * inner + rest  # the item begins on the line of its dash
                items.append(self.node(indent, depth + 1))
            else:
                self._at += 1
                items.append(self._value(rest, indent, depth + 1))
        return items

    def _map(self, indent: int, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while self.more() and self._indent() == indent:
            text = self._lines[self._at].strip()
            found = _key(text)
            if found is None:
                raise self.refused("a key was expected")
            self._at += 1
            key = str(self.scalar(found[0])) if found[0][0] in "\"'" else found[0]
            entries[key] = self._value(found[1], indent, depth + 1, in_map=True)
        if self.more() and self._indent() > indent:
            raise self.refused("it is indented by more than what it follows")
        return entries

    def _value(self, text: str, above: int, depth: int, *, in_map: bool = False) -> Any:
        while (found := _PROPERTY.match(text)) is not None:
            if found[1][0] == "!" and len(self.tags) < 1000:
                self.tags[found[1].lstrip("!")[:200]] = None
            text = text[found.end() :]
        if not text or text[0] == "#":
            # a list may stand right under its key, without being indented
            level = in_map and self.more() and self._indent() == above
            dashed = level and _is_item(self._lines[self._at].strip())
            return self._list(above, depth) if dashed else self.node(above, depth)
        if text[0] in "|>":
            return self._block(text, above)
        if text[0] in "\"'[{":
            return self._flow(text, depth)
        if text[0] in "%@`,]}" or text[:2] in ("? ", ": "):
            raise self.refused("a value cannot begin so")
        words = [text.split(" #")[0].rstrip()]
        while self.more() and self._indent() > above:
            line = self._lines[self._at].strip()
            if _key(line):
                raise self.refused("a key follows a value that is whole")
            words.append(line.split(" #")[0].rstrip())
            self._at += 1
        return self.scalar(" ".join(words))

    def _block(self, text: str, above: int) -> str:
        rows: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= above:
                break
            rows.append(line)
            self._at += 1
        width = min((len(row) - len(row.lstrip(" ")) for row in rows if row.strip()), default=0)
        body = ("\n" if text[0] == "|" else " ").join(row[width:] for row in rows)
        return body.rstrip("\n ") + ("" if "-" in text else "\n")

    def _flow(self, text: str, depth: int) -> Any:
        """A quoted text or a list or map in brackets, perhaps over several lines."""
        start, blanks = self._at, 0
        parser = _Flow(self, text)
        while True:
            try:
                value = parser.value(depth)
                break
            except _Short:
                if self._at >= len(self._lines) or self._at - start > 200:
                    raise self.refused("a quote or a bracket is not closed") from None
                line = self._lines[self._at].strip()
                self._at += 1
                if line:
                    parser = _Flow(self, _continued(parser.text, blanks, line))
                blanks = 0 if line else blanks + 1
        rest = parser.text[parser.at :].strip()
        if rest and rest[0] != "#":
            raise self.refused("something follows the end of a value")
        return value

    def scalar(self, text: str) -> Any:
        if text[:1] in ("'", '"'):
            return _Flow(self, text).value(0)
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _INT.fullmatch(text):
            return int(text.replace("_", ""))
        is_float = len(text) < 300 and _FLOAT.fullmatch(text) and not text.lstrip("+-").isdigit()
        return float(text.replace("_", "")) if is_float else text


def _continued(text: str, blanks: int, line: str) -> str:
    """A quoted text goes on after a break: one is a space, of several in a row each but the first counts."""
    bare = text.rstrip()
    escaped = (len(bare) - len(bare.rstrip("\\"))) % 2 == 1
    if escaped and not blanks:  # in double quotes: the break itself is escaped
        return bare[:-1] + line
    return bare + ("\n" * blanks or " ") + line


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _key(text: str) -> tuple[str, str] | None:
    """The key that a line begins with, and what follows it; None where it is no entry of a map."""
    if text[0] in "\"'":
        found = _QUOTED_KEY.match(text)
        return (found[1], text[found.end() :].strip()) if found else None
    if text[0] in "[]{},#&*!|>%@`" or text[:2] in ("? ", "?", ": ", ":") or _is_item(text):
        return None
    at = text.find(":")
    while at >= 0 and at + 1 < len(text) and not text[at + 1].isspace():
        at = text.find(":", at + 1)
    return None if at < 0 or " #" in text[:at] else (text[:at].rstrip(), text[at + 1 :].strip())


class _Short(Exception):
    pass


class _Flow:
    """`[1, {a: b}]` and quoted texts, from one string."""

    def __init__(self, reader: _Reader, text: str) -> None:
        self.reader, self.text, self.at = reader, text, 0

    def value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise self.reader.refused("it is nested too deeply")
        char = self._peek()
        if char in "\"'":
            return self._quoted(char)
        if char == "[":
            return [item for item, _ in self._items("]", depth)]
        if char == "{":
            return dict(self._items("}", depth))
        found = _PLAIN.match(self.text, self.at)
        text = found[0] if found else ""
        self.at += len(text)
        return self.reader.scalar(text.strip())

    def _items(self, closing: str, depth: int) -> list[tuple[Any, Any]]:
        self.at += 1
        items: list[tuple[Any, Any]] = []
        while self._peek() != closing:
            key = self.value(depth + 1)
            value = None
            if self._peek() == ":":
                self.at += 1
                value = self.value(depth + 1) if self._peek() not in ",]}" else None
                items.append((str(key), value) if closing == "}" else ({str(key): value}, None))
            else:
                items.append((key if closing == "]" else str(key), None))
            if self._peek() == ",":
                self.at += 1
            elif self._peek() != closing:
                raise self.reader.refused("a comma or a bracket was expected")
        self.at += 1
        return items

    def _peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        if self.at >= len(self.text):
            raise _Short
        return self.text[self.at]

    def _quoted(self, quote: str) -> str:
        pattern = r'"((?:[^"\\]|\\.)*)"' if quote == '"' else r"'((?:[^']|'')*)'"
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if found is None:
            raise _Short
        self.at = found.end()
        return found[1].replace("''", "'") if quote == "'" else _ESCAPED.sub(_unescaped, found[1])


def _unescaped(found: re.Match[str]) -> str:
    told = found[1]
    if told[0] in "xuU" and len(told) > 1:
        return chr(min(int(told[1:], 16), 0x10FFFF))
    return _ESCAPES.get(told, told)
