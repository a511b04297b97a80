"""A page of sections: moving, opening and closing, the same for diffs and details."""

from __future__ import annotations

from explorer.tui.actions import Action
from explorer.tui.screens.page import Page
from explorer.tui.sections import SectionsView
from explorer.tui.session import Session
from explorer.tui.situation import Situation, nowhere

MOVES = (
    Action("down", "j,down", "down", "A line down.", "Move"),
    Action("up", "k,up", "up", "A line up.", "Move"),
    Action("half_down", "ctrl+d,pagedown", "page down", "Half a page down.", "Move"),
    Action("half_up", "ctrl+u,pageup", "page up", "Half a page up.", "Move"),
    Action("top", "g,home", "top", "To the first line.", "Move"),
    Action("bottom", "G,end", "bottom", "To the last line.", "Move"),
    Action("next_section", "tab,right_curly_bracket", "section", "To the next section.", "Move"),
    Action("previous_section", "shift+tab,left_curly_bracket", "section", "To the section before.", "Move"),
    Action("toggle", "enter,space", "fold", "Close or open the section under the cursor.", "Look", footer=1),
    Action("toggle_all", "o", "fold all", "Close all sections, or open them all.", "Look", footer=2),
)


class Reader(Page):
    """Holds a SectionsView as `view`; subclasses compose it and fill it."""

    AUTO_FOCUS = "#page"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = SectionsView(session.palette, session.glyphs)

    def situation(self) -> Situation:
        return nowhere(self.session.state)

    def paint(self) -> None:
        """The header; called for each newer state."""
        raise NotImplementedError

    def state_changed(self) -> None:
        self.paint()
        self.view.repaint_in(self.session.palette)
        self.paint_status()
        self.paint_footer()

    def on_resize(self) -> None:
        self.call_after_refresh(self.state_changed)

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
