"""Parsers whose errors are two lines, as everywhere: what is wrong, and what to do."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from explorer.errors import nearest

_SHARED = ("--data", "--endpoint", "--profile")
_EVERYWHERE = "Every verb takes --data DIR, --endpoint URL, --profile NAME and --json too."


class Parser(argparse.ArgumentParser):
    """A parser whose errors have a hint, with the nearest word that it knows."""

    def error(self, message: str) -> NoReturn:
        missing = re.fullmatch(r"the following arguments are required: (.*)", message)
        of_option = re.fullmatch(r"argument ([^:]+): (.*)", message, re.DOTALL)
        tells = f"`{self.prog} --help` tells what there is"
        if missing:
            self._refuse(f"`{self.prog}` needs {missing[1]}.", self._form())
        elif of_option:
            self._refuse(f"{of_option[1].split('/')[0]}: {of_option[2].rstrip('.')}.", tells)
        else:
            self._refuse(f"{message[:1].upper()}{message[1:].rstrip('.')}.", tells)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """A word too many is told by the verb that got it, not by the program."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            hint = f"`{self.prog} --help` tells what it takes"
            if rest[0].startswith("-"):
                hint = nearest(rest[0].partition("=")[0], self._shown_options(), hint)
            self._refuse(f"`{self.prog}` takes no `{rest[0]}`.", hint)
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            said, otherwise = f"`{self.prog}` has no verb `{value}`.", f"there is: {', '.join(known)}"
        else:
            said = f"{'/'.join(action.option_strings[:1]) or action.metavar}: there is no `{value}`."
            otherwise = f"there is: {', '.join(known)}"
        self._refuse(said, nearest(str(value), known, otherwise))

    def _form(self) -> str:
        """How it is written, in one line; of a parser of verbs, which there are."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return f"there is: {', '.join(map(str, action.choices))}"
        words = [str(action.metavar or action.dest).upper() for action in self._get_positional_actions()]
        needed = [f"{a.option_strings[0]} {a.metavar}" for a in self._get_optional_actions() if a.required]
        return f"write `{' '.join([self.prog, *needed, *words])}`; `{self.prog} --help` tells more"

    def _shown_options(self) -> Sequence[str]:
        return [name for name in self._option_string_actions if name.startswith("--")]

    def _refuse(self, said: str, hint: str) -> NoReturn:
        from explorer.checkpoints import printable

        for line in (f"error: {said}", f"hint: {hint}"):
            print(printable(line, 400), file=sys.stderr)
        raise SystemExit(2)


class Verb(Parser):
    """Every verb takes the shared options too, without overwriting those given before it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"epilog": _EVERYWHERE, **settings})
        hidden: dict[str, Any] = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
        for name in _SHARED:
            self.add_argument(name, **hidden)
        self.add_argument("--json", action="store_true", **hidden)
