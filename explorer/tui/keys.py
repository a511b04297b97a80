"""The keys of the lineage screen."""

from __future__ import annotations

from explorer.tui import situation as s
from explorer.tui.actions import Action

MOVE, FIND, LOOK, DO, SCREEN = "Move", "Find and mark", "Look", "Act", "Screen"

LINEAGE = (
    Action("down", "j,down", "down", "To the row below.", MOVE),
    Action("up", "k,up", "up", "To the row above.", MOVE),
    Action("top", "g,home", "top", "To the newest row.", MOVE),
    Action("bottom", "G,end", "bottom", "To the oldest row.", MOVE),
    Action("half_down", "ctrl+d", "half page down", "Half a page down.", MOVE),
    Action("half_up", "ctrl+u", "half page up", "Half a page up.", MOVE),
    Action("page_down", "pagedown", "page down", "A page down.", MOVE),
    Action("page_up", "pageup", "page up", "A page up.", MOVE),
    Action("parent", "h,left", "parent", "To the snapshot this bucket was forked from.", MOVE, s.has_parent),
    Action("child", "l,right", "fork", "To the forks of this node, one after the other.", MOVE, s.has_forks),
    Action("fork_point_up", "left_curly_bracket", "fork point up", "To the fork point above.", MOVE, s.there),
    Action("fork_point_down", "right_curly_bracket", "fork point down", "To the one below.", MOVE, s.there),
    Action("filter", "slash", "filter", "Show only: text ~fuzzy !not loss<2.05 bucket:x", FIND, footer=8),
    Action("next", "n", "next", "To the next match of the filter.", FIND, s.filtered),
    Action("previous", "N", "previous", "To the match before.", FIND, s.filtered),
    Action("mark", "space", "mark", "Mark this node, or take its mark away.", FIND, s.there, 5),
    Action("mark_range", "v", "mark range", "Mark from the last mark to here.", FIND, s.something_marked),
    Action("clear", "escape", "clear", "Take the filter away; pressed again, the marks.", FIND),
    Action("details", "enter", "details", "All that is known of this node.", LOOK, s.there, 9),
    Action("diff", "d", "diff", "The two marked, mark and cursor, or node and parent.", LOOK, s.diffable, 3),
    Action("three_way", "t", "3-way", "This fork and its parent's head, since the fork.", LOOK, s.in_fork),
    Action("compare", "c", "compare", "Curves of the marked, or of node and forks.", LOOK, s.on_node, 4),
    Action("log", "x", "log", "What the newest run of this bucket prints.", LOOK, s.has_run, 10),
    Action("zoom", "plus", "zoom", "Only the list, only the detail, both.", LOOK),
    Action("fork", "f", "fork", "Fork this node at once, under a proposed name.", DO, s.forkable, 1),
    Action("fork_form", "F", "fork as…", "Fork with a name and overrides of your own.", DO, s.forkable),
    Action("resume", "r", "resume", "Train on from exactly this node, in a fork.", DO, s.forkable, 2),
    Action("resume_form", "R", "resume as…", "Ask for overrides and a template first.", DO, s.forkable),
    Action("snapshot", "s", "snapshot", "Freeze this bucket as it is now.", DO, s.forkable, 6),
    Action("prefetch", "p", "prefetch", "Read this checkpoint onto this disk.", DO, s.prefetchable, 7),
    Action("cancel_prefetch", "P", "stop prefetch", "Stop prefetching it.", DO, s.prefetching, 7),
    Action("stop", "X", "stop run", "Stop the run that writes here; it saves first.", DO, s.has_live_run, 11),
    Action("delete", "D", "delete", "Delete the fork under the cursor.", DO, s.deletable, 13),
    Action("undo", "z", "undo", "Take back the last fork, snapshot or deletion.", DO, s.open_, 12),
    Action("copy", "y", "copy", "Copy the address to the clipboard.", DO, s.there),
    Action("refresh", "ctrl+r", "refresh", "Look for other people's changes now.", SCREEN),
    Action("help", "question_mark,f1", "keys", "These keys.", SCREEN, footer=14),
    Action("palette", "colon,ctrl+p", "palette", "Every action by name.", SCREEN),
    Action("quit", "q,ctrl+q,ctrl+c", "quit", "Leave; runs go on.", SCREEN, footer=15),
)
