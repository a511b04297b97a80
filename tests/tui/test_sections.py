"""Pages of sections, without a screen: which lines there are, which rows a filter leaves, how wide columns are."""

from __future__ import annotations

import random
from math import nan

import pytest
from rich.cells import cell_len

from explorer.checkpoints import Row, Section, Tensor
from explorer.checkpoints.folding import fold
from explorer.checkpoints.narrowing import ORDERS, Filter, arrange, parse, result_of, search
from explorer.checkpoints.outline import TensorRow
from explorer.checkpoints.statistics import Statistics
from explorer.tui.glyphs import ASCII, UNICODE
from explorer.tui.section_lines import MEMBER, SectionLines
from explorer.tui.section_rows import SectionRows, Widths
from explorer.tui.theme import DARK, Palette, missing_colours

PALETTE = Palette({**DARK.to_color_system().generate(), **missing_colours(DARK), **DARK.variables})


def tensor(name: str, kind: str = "unread") -> TensorRow:
    held = Tensor(name, "F32", (2, 3), 24, "m")
    return TensorRow("?", name, "", "F32[2, 3]", kind=kind, left=held, right=held)


def page() -> tuple[Section, ...]:
    layers = [tensor(f"layers.{at}.{part}.weight") for part in ("mlp", "attn") for at in range(50)]
    return (
        Section("config", "2 differ", (Row("~", "lr", "1", "2"), Row("+", "depth", "", "4"))),
        Section("tensors", "101", fold([*layers, tensor("embed.weight")])),
        Section("objects", "60 added", tuple(Row("+", f"k/{at}", "", "1 B") for at in range(60))),
    )


def shown(lines: SectionLines) -> list[str]:
    found = []
    for at in range(len(lines)):
        line = lines.line(at)
        found.append(lines.sections[line.section].title if line.row is None else line.row.name)
    return found


def test_long_sections_start_closed_and_members_expand():
    lines = SectionLines()
    lines.show(page())
    folded = ["config", "lr", "depth", "tensors", "layers.0-49.mlp.weight", "layers.0-49.attn.weight"]
    assert shown(lines) == [*folded, "embed.weight", "objects"]
    at = lines.toggle(4)
    assert (at, lines.line(5).row.name, lines.line(5).depth) == (4, "layers.0.mlp.weight", MEMBER)
    assert len(lines) == 58
    assert lines.toggle(20) == 4, "a member closes what it belongs to"
    assert lines.toggle(1) == 0, "a row closes its section"
    assert shown(lines)[:3] == ["config", "tensors", "layers.0-49.mlp.weight"]


def test_what_was_opened_stays_open_when_sections_are_shown_anew():
    lines = SectionLines()
    lines.show(page())
    lines.toggle(4)
    lines.toggle(0)
    before = shown(lines)
    lines.show(page())
    assert shown(lines) == before


def test_splicing_is_what_laying_out_anew_gives():
    chance = random.Random(7)
    lines = SectionLines()
    lines.show(page())
    for _ in range(200):
        lines.toggle(chance.randrange(len(lines)))
        kept, depths = shown(lines), [lines.line(at).depth for at in range(len(lines))]
        lines.show(lines.sections)
        assert shown(lines) == kept
        assert [lines.line(at).depth for at in range(len(lines))] == depths
    lines.toggle_all()
    assert len(lines) in (3, sum(len(s.rows) for s in lines.sections) + 3)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("depth", {"depth"}),
        ("ATTN", {"layers.0-49.attn.weight"}),
        ("layers.1?.mlp.*", {"layers.0-49.mlp.weight"}),
        ("layers.7.mlp.weight", {"layers.7.mlp.weight"}),
        ("!layers !k/", {"lr", "depth", "embed.weight"}),
        ("kind:added in:config", {"depth"}),
        ("kind:changed,added !k/", {"lr", "depth"}),
        ("weight in:objects", set()),
        ("layers.*.weight !attn !mlp", set()),
    ],
)
def test_filters(text: str, names: set[str]):
    assert {row.name for section in search(page(), parse(text)) for row in section.rows} == names


def test_a_folded_row_keeps_only_the_members_that_match():
    (row,) = search(page(), parse("layers.1?.mlp.*"))[0].rows
    assert row.count == 10
    assert {member.name for member in row.rows} == {f"layers.{at}.mlp.weight" for at in range(10, 20)}


def test_a_word_that_means_nothing_is_said_and_does_not_filter():
    wanted = parse("kind:gone lr")
    assert "kinds are added" in (wanted.trouble or "")
    assert wanted.names == (("lr", False),)
    assert not parse("  ! ")


def told(name: str, relative: float, *, equal: int = 0, odd: int = 0, cosine: float = 0.5) -> Statistics:
    return Statistics(name, "model", 6, 1.0, 1.0, relative, relative, cosine, equal, odd)


def test_tensors_are_sorted_by_what_comparing_them_told():
    results = {
        ("model", "layers.3.mlp.weight"): told("", 0.5, cosine=nan),
        ("model", "embed.weight"): told("", 2.0),
        ("model", "layers.9.attn.weight"): told("", 0.0, equal=6),
    }
    names = [row.name for row in arrange(page(), Filter(), results, ORDERS[0], unchanged=True)[1].rows]
    assert names[:3] == ["embed.weight", "layers.3.mlp.weight", "layers.9.attn.weight"]
    assert len(names) == 101
    names = [row.name for row in arrange(page(), Filter(), results, ORDERS[1], unchanged=False)[1].rows]
    assert names[0] == "embed.weight"
    assert "layers.9.attn.weight" not in names, "equal after all, and only what differs is shown"


def test_a_folded_row_tells_what_its_members_add_up_to_once_all_are_known():
    (row, *_) = page()[1].rows
    results = {member.key: told(member.name, 3.0) for member in row.rows}
    assert result_of(row, results).delta_norm == pytest.approx(3.0 * 50**0.5)
    del results["model", "layers.3.mlp.weight"]
    assert result_of(row, results) is None


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [20, 40, 80, 100, 140, 200])
def test_every_line_fits_and_heads_stand_over_their_numbers(width: int, glyphs):
    rows = SectionRows(width, PALETTE, glyphs)
    section = page()[1]
    widths = Widths.of((*section.rows, tensor("模型.层.0." + "x" * 90)))
    for one in (*section.rows, Row("~", "名前" * 30, "値" * 40, "b" * 90), Row("!", "w" * 300)):
        text = "".join(piece for piece, _ in rows.row(one, widths, expanded=None, depth=1))
        assert cell_len(text) < width
    if width < 80:
        return
    head = "".join(piece for piece, _ in rows.title(section, is_open=True, columns=widths))
    one = told("x", 0.123, cosine=0.98765)
    for depth in (1, 2):
        line = rows.compared(section.rows[0], one, widths, expanded=None, depth=depth)
        text = "".join(piece for piece, _ in line)
        assert cell_len(text) < width
        assert text.index("0.123") + 5 == head.index("CHANGE") + 6
        assert text.index("0.98765") + 7 == head.index("COSINE") + 6
