"""The command palette: every action of the screen by name; one that does not apply says why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from explorer.tui.screens.page import Page


class Actions(Provider):
    """Built from the screen's table, like its keys and its help."""

    async def discover(self) -> Hits:
        for label, help_, deed in self._entries():
            yield DiscoveryHit(label, deed, help=help_)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for label, help_, deed in self._entries():
            score = matcher.match(f"{label} {help_}")
            if score > 0:
                yield Hit(score, matcher.highlight(label), deed, help=help_)

    def _entries(self) -> Iterator[tuple[str, str, partial[None]]]:
        page = self.screen
        if not isinstance(page, Page):
            return
        now = page.situation()
        for action in page.ACTIONS:
            if action.section == "Move" or action.name == "palette":
                continue
            why = action.when(now)
            key = action.first_key(ascii=page.session.glyphs.ascii)
            name = f"{action.label[:1].upper()}{action.label[1:]}  ({key})"
            yield name, why or action.tip, partial(page.action_act, action.name)
