"""Two calm themes of our own, and lane colours that read on any of Textual's."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

LANES = 8
"""How many lane colours there are; lanes beyond take them round again."""

# Mid-lightness on purpose: these must read on dark and on light grounds, whichever theme the user picks.
# No red (failure), no amber (marks): a lane must never look like a state.
_LANE_DARK = ("#82aaff", "#7fd1b9", "#c099ff", "#f0a988", "#86c5e8", "#b8cc7a", "#e39ec6", "#9aa7d9")
_LANE_LIGHT = ("#2e5fd0", "#0f7f66", "#7a3fc4", "#b3541e", "#1a769f", "#5f7a12", "#a93d80", "#4a5899")


def _lanes(colours: tuple[str, ...]) -> dict[str, str]:
    return {f"lane-{index}": colour for index, colour in enumerate(colours)}


DARK = Theme(
    name="explorer-dark",
    primary="#82aaff",
    secondary="#5b6b8c",
    accent="#ffc777",
    warning="#ffc777",
    error="#ff757f",
    success="#9ed08a",
    foreground="#c8d0e0",
    background="#12151c",
    surface="#161a23",
    panel="#1e2430",
    dark=True,
    variables={
        **_lanes(_LANE_DARK),
        "dim": "#7d879c",
        "faint": "#586377",
        "inherited": "#3d4659",
        "cursor-ground": "#232c3f",
        "border-calm": "#343d4f",
        "block-cursor-text-style": "none",
        "scrollbar": "#2b3343",
        "scrollbar-hover": "#3a4559",
        "scrollbar-active": "#82aaff",
        "scrollbar-background": "#12151c",
        "scrollbar-background-hover": "#12151c",
        "scrollbar-background-active": "#12151c",
        "input-selection-background": "#82aaff 35%",
    },
)

LIGHT = Theme(
    name="explorer-light",
    primary="#2e5fd0",
    secondary="#8a94a8",
    accent="#a86400",
    warning="#a86400",
    error="#c4303d",
    success="#3d7d2c",
    foreground="#2a303c",
    background="#fbfbfd",
    surface="#f3f4f8",
    panel="#e8eaf1",
    dark=False,
    variables={
        **_lanes(_LANE_LIGHT),
        "dim": "#687186",
        "faint": "#b3bacb",
        "inherited": "#c6ccd9",
        "cursor-ground": "#dfe6f7",
        "border-calm": "#cfd4e0",
        "block-cursor-text-style": "none",
        "scrollbar": "#cfd4e0",
        "scrollbar-hover": "#b3bacb",
        "scrollbar-active": "#2e5fd0",
        "scrollbar-background": "#fbfbfd",
        "scrollbar-background-hover": "#fbfbfd",
        "scrollbar-background-active": "#fbfbfd",
    },
)


def missing_colours(theme: Theme) -> dict[str, str]:
    """What our style sheet needs and a foreign theme does not name, mixed from what it does name."""
    named = theme.to_color_system().generate()
    ink, ground = Color.parse(named["foreground"]), Color.parse(named["background"])
    lanes = _LANE_DARK if theme.dark else _LANE_LIGHT
    return {
        **_lanes(lanes),
        "dim": ink.blend(ground, 0.4).hex6,
        "faint": ink.blend(ground, 0.7).hex6,
        "inherited": ink.blend(ground, 0.75).hex6,
        "cursor-ground": Color.parse(named["primary"]).blend(ground, 0.8).hex6,
        "border-calm": ink.blend(ground, 0.8).hex6,
    }


class Palette:
    """The styles of one theme by the names that the views use; made anew when the theme changes."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        def ink(name: str) -> str:
            return Color.parse(variables[name]).hex6

        self.text = Style(color=ink("foreground"))
        self.strong = Style(color=ink("foreground"), bold=True)
        self.dim = Style(color=ink("dim"))
        self.faint = Style(color=ink("faint"))
        self.inherited = Style(color=ink("inherited"))
        self.accent = Style(color=ink("accent"))
        self.primary = Style(color=ink("primary"))
        self.key = Style(color=ink("primary"), bold=True)
        self.good = Style(color=ink("success"))
        self.bad = Style(color=ink("error"))
        self.lanes = tuple(Style(color=ink(f"lane-{index}")) for index in range(LANES))
        self.heads = tuple(style + Style(bold=True) for style in self.lanes)
        self.cursor = Style(bgcolor=ink("cursor-ground"))

    def lane(self, column: int) -> Style:
        return self.lanes[column % LANES]

    def head(self, column: int) -> Style:
        return self.heads[column % LANES]

    def run(self, state: str) -> Style:
        """How a run's state is coloured, next to its sign and word."""
        known = {"running": self.primary, "queued": self.primary, "done": self.good}
        return known.get(state, self.bad if state in ("failed", "lost") else self.dim)
