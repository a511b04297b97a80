"""A page of sections: moving, opening and closing, filtering; the same for diffs and details."""

from __future__ import annotations

import gc
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from explorer.checkpoints.narrowing import Filter, parse, search
from explorer.tui.actions import Action
from explorer.tui.columns import Piece
from explorer.tui.footer import Footer
from explorer.tui.names import shown
from explorer.tui.paint import LineView
from explorer.tui.prompt import Prompt
from explorer.tui.screens.page import Page
from explorer.tui.section_rows import Widths
from explorer.tui.sections import SectionsView
from explorer.tui.session import Session
from explorer.tui.situation import Situation, nowhere
from explorer.wording import count

if TYPE_CHECKING:
    from explorer.checkpoints import Row, Section

_DEBOUNCE_S = 0.09
_AT_ONCE = 3_000
"""Up to so many rows are searched on the spot: quicker than a frame."""
_MANY = 20_000
_PLACEHOLDER = "mlp  layers.*.weight  !bias  kind:added  in:config"
_MARGIN = 8

MOVES = (
    Action("down", "j,down", "down", "A line down.", "Move"),
    Action("up", "k,up", "up", "A line up.", "Move"),
    Action("half_down", "ctrl+d,pagedown", "page down", "Half a page down.", "Move"),
    Action("half_up", "ctrl+u,pageup", "page up", "Half a page up.", "Move"),
    Action("top", "g,home", "top", "To the first line.", "Move"),
    Action("bottom", "G,end", "bottom", "To the last line.", "Move"),
    Action("next_section", "tab,right_curly_bracket", "section", "To the next section.", "Move"),
    Action("previous_section", "shift+tab,left_curly_bracket", "section", "To the section before.", "Move"),
    Action(
        "toggle", "enter,space", "unfold", "Open or close the section or the layers here.", "Look", footer=1
    ),
    Action("toggle_all", "o", "all", "Close all sections, or open them all.", "Look"),
    Action(
        "filter",
        "slash",
        "filter",
        "Only rows like: mlp layers.*.weight !bias kind:added in:config",
        "Look",
        footer=2,
    ),
)


class Reader(Page):
    """Holds a SectionsView as `view`; subclasses fill it."""

    AUTO_FOCUS = "#page"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = SectionsView(session.palette, session.glyphs)
        self.wanted = Filter()
        self.sections: Sequence[Section] = ()
        """All of them, whatever the filter."""
        self.rows_in_all = 0
        self._rows_found = 0
        self._before: tuple[Filter, Sequence[Section]] | None = None
        """What the filter before left, as long as a longer one can only leave less."""
        self.shown: Sequence[Section] = ()
        """What the filter leaves of them."""
        self._widths: Mapping[str, Widths] = {}
        self._typing: Timer | None = None
        self._prompt_is_open = False

    def bottom(self) -> ComposeResult:
        """The line of status, in whose place the filter is typed, and the keys."""
        with Horizontal(id="bottom"):
            yield LineView(id="status")
            yield Prompt(self.typed, self.leave_filter, placeholder=_PLACEHOLDER)
        yield Footer(id="footer")

    def situation(self) -> Situation:
        return nowhere(self.session.state)

    def paint(self) -> None:
        """The header; called for each newer state."""
        raise NotImplementedError

    def arranged(self, sections: Sequence[Section], wanted: Filter) -> Sequence[Section]:
        """What is shown of all sections. Pure; may be called in a thread."""
        return search(sections, wanted)

    def state_changed(self) -> None:
        self.paint()
        self.view.repaint_in(self.session.palette)
        self.paint_status()
        self.paint_footer()

    def on_resize(self) -> None:
        self.call_after_refresh(self.state_changed)
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = max(20, self.size.width - _MARGIN)
        self.view.show([wrapped(s, width) for s in self.shown], self._widths, opened=bool(self.wanted))

    def fill(self, sections: Sequence[Section], widths: Mapping[str, Widths]) -> None:
        """Show these, as the filter leaves them; `widths` of all sections by title."""
        self.sections, self._widths = sections, widths
        self.rows_in_all, self._before = _count(sections), None
        if self.rows_in_all > _MANY:
            # or the collector looks through all of them again and again: 100 ms at a time, in some key
            gc.freeze()
        self.rearrange()

    def on_unmount(self) -> None:
        gc.unfreeze()

    @staticmethod
    def measured(sections: Sequence[Section]) -> dict[str, Widths]:
        """The widths of sections. Cost: O(rows); called where the sections are made."""
        return {section.title: Widths.of(section.rows) for section in sections}

    def rearrange(self) -> None:
        """Filter again: at once where there are few rows, else in a thread, the last one winning."""
        sections, wanted, before = self.sections, self.wanted, self._before
        # while a word grows, only what is shown already is searched
        within = before[1] if before is not None and wanted.narrows(before[0]) else sections

        def call() -> tuple[Sequence[Section], int]:
            found = self.arranged(within, wanted)
            return found, _count(found)

        def done(told: tuple[Sequence[Section], int]) -> None:
            if self.wanted is wanted and self.sections is sections:
                found, self._rows_found = told
                self._before = (wanted, found) if wanted and self.is_in_order else None
                self.shown = found
                self._show()
                self._say_found()
                self.paint_status()
                self.paint_footer()

        if self.rows_in_all <= _AT_ONCE:
            done(call())
        else:
            self.session.run(self, call, done, self.complain, group="filter", exclusive=True)

    @property
    def is_in_order(self) -> bool:
        """Whether what is shown keeps the order and the folds of all there is."""
        return True

    # -- the filter

    def do_filter(self) -> None:
        self._prompt_is_open = True
        self.query_one(Prompt).open()

    def typed(self, text: str) -> None:
        """Search soon: while more is being typed, nothing is searched."""
        if not self._prompt_is_open:  # a letter typed before escape that comes after it
            return
        if self._typing is not None:
            self._typing.stop()
        wanted = parse(text)
        if (wanted.names, wanted.kinds, wanted.sections) == (
            self.wanted.names,
            self.wanted.kinds,
            self.wanted.sections,
        ):
            self.wanted = wanted
            self._say_found()
            return
        self._typing = self.set_timer(_DEBOUNCE_S, lambda: self._filter_by(wanted))

    def leave_filter(self, keep: bool) -> None:
        """Close the prompt; without `keep` the filter goes with it."""
        prompt = self.query_one(Prompt)
        text = prompt.text
        self._prompt_is_open = False
        prompt.close(self.view)
        if self._typing is not None:
            self._typing.stop()
        self._filter_by(parse(text) if keep else Filter())
        if not keep:
            prompt.text = ""

    def clear_filter(self) -> bool:
        """Take the filter away; False where there is none."""
        if not self.wanted:
            return False
        self.leave_filter(keep=False)
        return True

    def _filter_by(self, wanted: Filter) -> None:
        self._typing = None
        if wanted != self.wanted:
            self.wanted = wanted
            self.rearrange()
        self.paint_status()

    def _say_found(self) -> None:
        found = f"{self._rows_found:,} found" if self.wanted else ""
        self.query_one(Prompt).say(found, self.wanted.trouble)

    def filter_status(self) -> list[Piece]:
        """What the status line says of the filter; nothing where there is none."""
        if not self.wanted:
            return []
        palette = self.session.palette
        said = f"  {count(self._rows_found, 'row')} of {self.rows_in_all:,}, esc shows all"
        return [(f" matching {shown(self.wanted.text)}", palette.accent), (said, palette.dim)]

    def do_leave(self) -> None:
        """Out of the filter first, then out of the page."""
        if not self.clear_filter():
            self.do_back()

    # -- moving

    def do_down(self) -> None:
        self.view.move_by(1)

    def do_up(self) -> None:
        self.view.move_by(-1)

    def do_half_down(self) -> None:
        self.view.move_page(0.5)

    def do_half_up(self) -> None:
        self.view.move_page(-0.5)

    def do_top(self) -> None:
        self.view.move_to_end(last=False)

    def do_bottom(self) -> None:
        self.view.move_to_end(last=True)

    def do_next_section(self) -> None:
        self.view.move_section(1)

    def do_previous_section(self) -> None:
        self.view.move_section(-1)

    def do_toggle(self) -> None:
        self.view.toggle()

    def do_toggle_all(self) -> None:
        self.view.toggle_all()


def _count(sections: Sequence[Section]) -> int:
    return sum(row.count for section in sections for row in section.rows)


def wrapped(section: Section, width: int) -> Section:
    """Warnings over as many lines as they take: the end of a sentence says what to do."""
    if not section.title.endswith("warnings"):
        return section
    rows: list[Row] = []
    for row in section.rows:
        first, *more = textwrap.wrap(row.name, width) or [""]
        rows += [replace(row, name=first), *(replace(row, mark="", name=line) for line in more)]
    return replace(section, rows=tuple(rows))
