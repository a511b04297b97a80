"""The keys of the diff screen."""

from __future__ import annotations

from explorer.tui import differing as d
from explorer.tui.actions import Action
from explorer.tui.screens.reader import MOVES

LOOK, VALUES, ACT, SCREEN = "Look", "Values", "Act", "Screen"

ACTIONS = (
    *MOVES,
    Action(
        "unchanged", "u", "unchanged", "Also what does not differ, or only what does.", LOOK, d.two_sided, 6
    ),
    Action(
        "three_way",
        "t",
        "3-way",
        "A fork and its parent's head, both since the fork; or back.",
        LOOK,
        d.has_fork,
        4,
    ),
    Action("swap", "w", "swap", "From the other side.", LOOK, d.two_sided, 8),
    Action(
        "values",
        "v",
        "values",
        "Read tensors and compare them by value: says what it takes.",
        VALUES,
        d.comparable,
        3,
    ),
    Action(
        "sort",
        "s",
        "sort",
        "Tensors by change, cosine, largest change, …; or as they lie.",
        VALUES,
        d.compared,
        5,
    ),
    Action("sort_back", "S", "sort back", "By the order before.", VALUES, d.compared),
    Action("save", "e", "export", "Into a file: csv json.", ACT, d.read, 7),
    Action("copy", "Y", "copy Python", "Copy the notebook's code for this.", ACT),
    Action("copy_command", "C,y", "copy command", "Copy the command that prints this.", ACT),
    Action("help", "question_mark,f1", "keys", "These keys.", SCREEN, footer=20),
    Action("palette", "colon,ctrl+p", "palette", "Every action by name.", SCREEN),
    Action("leave", "escape", "back", "Stop reading, take the filter away, then back.", SCREEN),
    Action("back", "q,d", "back", "Back to the lineage.", SCREEN, footer=21),
)
