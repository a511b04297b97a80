"""The keys of the compare screen."""

from __future__ import annotations

from explorer.tui import situation
from explorer.tui.actions import Action
from explorer.tui.screens.compare import comparing as c

CROSS, ACT, SHOW, AXES, TABLE, SCREEN = "Crosshair", "Act", "What is drawn", "Axes", "Curves", "Screen"

ACTIONS = (
    Action(
        "cross_left", "left", "crosshair", "The crosshair one point to the left.", CROSS, c.has_points, 12
    ),
    Action("cross_right", "right", "right", "One point to the right.", CROSS, c.has_points),
    Action("cross_far_left", "shift+left", "ten left", "Ten points to the left.", CROSS, c.has_points),
    Action("cross_far_right", "shift+right", "ten right", "Ten points to the right.", CROSS, c.has_points),
    Action("cross_first", "home", "first point", "To the curve's first point in sight.", CROSS, c.has_points),
    Action("cross_last", "end", "last point", "To the curve's last point in sight.", CROSS, c.has_points),
    Action(
        "checkpoint_left",
        "left_square_bracket",
        "checkpoint",
        "To the checkpoint before.",
        CROSS,
        c.has_checkpoints,
    ),
    Action(
        "checkpoint_right",
        "right_square_bracket",
        "checkpoint",
        "To the next checkpoint of the selected curve.",
        CROSS,
        c.has_checkpoints,
        3,
    ),
    Action("fork", "f", "fork", "Fork the checkpoint under the crosshair.", ACT, c.at_checkpoint, 1),
    Action("fork_form", "F", "fork as…", "The same with a name and overrides.", ACT, c.at_checkpoint),
    Action("resume", "r", "resume", "Train on from this checkpoint, in a fork.", ACT, c.at_checkpoint, 2),
    Action("resume_form", "R", "resume as…", "Ask for overrides and a template first.", ACT, c.at_checkpoint),
    Action("undo", "z", "undo", "Take back the last fork.", ACT, situation.open_),
    Action("save", "e", "export", "Into a file: csv parquet svg png html.", ACT, c.read, 11),
    Action("copy", "Y", "copy Python", "Copy the notebook's code for this.", ACT, c.read),
    Action("copy_command", "C", "copy command", "Copy the command that prints this.", ACT, c.read),
    Action("metrics", "m", "metrics", "Choose one or several, by typing.", SHOW, c.other_metric, 4),
    Action("next_metric", "n", "next metric", "The next metric.", SHOW, c.other_metric),
    Action("last_metric", "N", "metric before", "The one before.", SHOW, c.other_metric),
    Action("overlay", "O", "overlay", "Several metrics in one plot, or stacked.", SHOW, c.several_metrics),
    Action(
        "smooth", "s", "smooth", "Smoother: 0.6 to 0.99; the raw line stays, faintly.", SHOW, c.smoother, 6
    ),
    Action("rough", "S", "less smooth", "Less smooth.", SHOW, c.rougher),
    Action("delta", "d", "delta", "Values, or differences to the parent or baseline.", SHOW, c.has_deltas, 5),
    Action("baseline", "b", "baseline", "Differences to the selected curve, or to parents.", SHOW, c.several),
    Action(
        "colour", "g", "group", "Colour by a hyperparameter, or a colour each.", SHOW, c.has_parameters, 9
    ),
    Action("means", "G", "means", "The mean of each group, its curves faintly.", SHOW, c.coloured),
    Action("tails", "t", "lost work", "What crashed runs did in vain, faintly.", SHOW, c.has_tails),
    Action("axis", "x", "axis", "Step, epoch, tokens, time, since the fork.", AXES, c.other_axis, 8),
    Action("log_x", "X", "log x", "A logarithmic x axis.", AXES, c.read),
    Action("log_y", "y", "log y", "A logarithmic y axis.", AXES, c.read),
    Action("window", "w", "whole", "From the first fork on, or all of it.", AXES, c.has_fork, 7),
    Action("extremes", "a", "all values", "Stretch y to every value, or the usual.", AXES, c.read),
    Action("zoom_in", "plus,equals_sign", "zoom in", "Twice as near, around the crosshair.", AXES, c.read),
    Action("zoom_out", "minus", "zoom out", "Twice as far.", AXES, c.read),
    Action("pan_left", "h", "pan left", "A quarter of the window to the left.", AXES, c.read),
    Action("pan_right", "l", "pan right", "A quarter to the right.", AXES, c.read),
    Action("taller", "shift+up", "y nearer", "A narrower y range.", AXES, c.read),
    Action("flatter", "shift+down", "y farther", "A wider one.", AXES, c.read),
    Action("pan_up", "K", "pan up", "A quarter of the plot up.", AXES, c.read),
    Action("pan_down", "J", "pan down", "A quarter down.", AXES, c.read),
    Action("reset", "0", "reset", "Everything as it was at first.", AXES, c.read),
    Action("down", "j,down", "next curve", "Select the curve below.", TABLE, c.several),
    Action("up", "k,up", "curve before", "Select the curve above.", TABLE, c.several),
    Action("toggle", "space", "on/off", "Switch the selected curve off, or on.", TABLE, c.read, 10),
    Action("only", "o", "only this", "Only the selected curve; again: all.", TABLE, c.several),
    Action("sort_right", "greater_than_sign", "sort", "Sort by the next column.", TABLE, c.several, 14),
    Action("sort_left", "less_than_sign", "sort", "Sort by the column before.", TABLE, c.several),
    Action("invert", "i", "invert", "The other way round.", TABLE, c.is_sorted),
    Action(
        "filter", "slash", "filter", "Only curves like: val_loss<2.05 lr>1e-4 name !not", TABLE, c.read, 13
    ),
    Action("panes", "v", "panes", "Chart and table, the chart alone, the table.", TABLE, c.read),
    Action("refresh", "ctrl+r", "refresh", "Read the curves again now.", SCREEN, situation.open_),
    Action("help", "question_mark,f1", "keys", "These keys.", SCREEN, footer=20),
    Action("palette", "colon,ctrl+p", "palette", "Every action by name.", SCREEN),
    Action(
        "back", "escape,q,c", "back", "Take the filter away, then back to the lineage.", SCREEN, footer=21
    ),
)

MOUSE = (
    Action(
        "",
        "click",
        "",
        "The crosshair, on a checkpoint's sign exactly there; a row, its dot: on/off.",
        "Mouse",
    ),
    Action("", "drag", "", "Pan, up and down too.", "Mouse"),
    Action("", "wheel", "", "Zoom there; with shift pan, with ctrl zoom y.", "Mouse"),
    Action("", "head", "", "Click on a column's head to sort by it.", "Mouse"),
)
"""For the help alone."""
