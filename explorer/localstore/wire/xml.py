"""XML out, and XML in without its dangers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from explorer.localstore.refusals import Refusal

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_SPECIAL = re.compile(r"[&<>\"\x00-\x1f\x7f]")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(text: str) -> str:
    """Text for an element. Control characters become references, as S3 writes them."""
    return _SPECIAL.sub(lambda m: _NAMED.get(m[0]) or f"&#{ord(m[0])};", text)


def plain(text: str) -> str:
    """Text that any XML 1.0 reader takes, for where it need not be exact."""
    return _FORBIDDEN.sub("\ufffd", text)


class Written(str):
    """Elements that are XML already."""

    __slots__ = ()


def document(root: str, fields: Iterable[tuple[str, object]], *, namespace: str = NAMESPACE) -> bytes:
    """A whole document. Fields are (name, value): text, a number, a bool or more fields; None is left out.

    A value that is `Written` stands for itself, without its name.
    """
    out: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    out.append(f'<{root} xmlns="{namespace}">' if namespace else f"<{root}>")
    _write(out, fields)
    out.append(f"</{root}>")
    return "".join(out).encode("utf-8", "replace")


def _write(out: list[str], fields: Iterable[tuple[str, object]]) -> None:
    for name, value in fields:
        if value is None:
            continue
        if type(value) is Written:
            out.append(value)
            continue
        out.append(f"<{name}>")
        if isinstance(value, bool):
            out.append("true" if value else "false")
        elif isinstance(value, str):
            out.append(escape(value))
        elif isinstance(value, int):
            out.append(str(value))
        else:
            assert isinstance(value, Iterable)
            _write(out, value)
        out.append(f"</{name}>")


class Element:
    """A parsed element, namespaces dropped."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element
        self.name = element.tag.rpartition("}")[2]
        self.text = (element.text or "").strip()

    def all(self, name: str) -> list[Element]:
        return [child for child in map(Element, self._element) if child.name == name]

    def get(self, name: str) -> Element | None:
        return next(iter(self.all(name)), None)

    def value(self, name: str) -> str | None:
        """The text of a child, kept as it is: keys may begin with a space."""
        found = self.get(name)
        return None if found is None else (found._element.text or "")


def parse(body: bytes, root: str) -> Element:
    """Parse a request body whose root must be `root`.

    Raises:
        Refusal: MalformedXML; also for a DOCTYPE, so that no entity is ever expanded.
    """
    try:
        text = body.decode("utf-8")
        if "<!DOCTYPE" in text or "<!ENTITY" in text or "\x00" in text:
            raise ValueError("declarations are not taken")
        # Without a DOCTYPE there are no entities to expand and nothing outside to fetch.
        found = Element(ElementTree.fromstring(text))  # noqa: S314
    except (ValueError, ElementTree.ParseError):
        found = None
    if found is None or found.name != root:
        raise Refusal(
            "MalformedXML", "The XML you provided was not well-formed or did not validate against our schema"
        )
    return found
