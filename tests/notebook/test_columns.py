from array import array

from explorer.lineage.rows import Rows
from explorer.lineage.values import Curve
from explorer.notebook.columns import PackedFacts, line, pack_curve, pack_links, pack_rows
from tests.notebook import states


def told(state):
    rows = Rows(state.buckets)
    packed = [text.split("\t") for text in pack_rows(state, rows).split("\n")]
    facts = [text.split("\t") for text in PackedFacts().pack(state, rows).split("\n")]
    return {
        row[2] + "@" * bool(row[3]) + row[3]: (row, fact) for row, fact in zip(packed, facts, strict=True)
    }


def test_a_row_tells_what_the_terminal_tells():
    rows = told(states.forked())
    row, fact = rows["base@step-200"]
    assert row[0].startswith("●─┘")
    step, loss, changed, _created, size, cached, run, failure = fact
    assert (step, loss, changed, size, cached, run, failure) == ("200", "1.000", "", "8.4 MB", "0.50", "", "")


def test_a_fork_says_what_it_changed_and_how_its_run_goes():
    _, fact = told(states.forked())["base-lr-3e-5"]
    assert (fact[2], fact[6]) == ("lr 3e-5", "running")
    assert fact[1] == "nan", "a loss that is not finite is said, not hidden"


def test_a_failure_stands_on_its_row_with_its_hint():
    assert told(states.forked())["base@step-100"][1][7] == "A file is cut short. take it again"


def test_links_lead_from_a_fork_to_its_origin():
    state = states.forked()
    rows = Rows(state.buckets)
    links = array("i", pack_links(rows))
    fork, origin = rows.index(state.bucket("base-lr-3e-5").head), rows.index(state.resolve("base@step-200"))
    assert links[3 * fork + 2] == origin
    assert links[3 * origin] == 0
    assert links[3 * rows.index(state.resolve("base@step-100")) + 1] == -1


def test_a_hostile_name_can_break_neither_the_columns_nor_the_page():
    state = states.hostile()
    packed = pack_rows(state, Rows(state.buckets))
    assert len(packed.split("\n")) == 2
    assert all(len(row.split("\t")) == 4 for row in packed.split("\n"))
    assert "\x1b" not in packed
    assert "\u202e" not in packed


def test_a_head_that_nobody_read_has_the_last_step_of_its_curve():
    state = states.forked()
    assert line(state, state.bucket("base").head).step == 300


def test_a_curve_travels_thinned_and_ends_where_it_ends():
    steps = tuple(range(1000))
    packed = pack_curve(Curve("loss", steps, tuple(float(s) for s in steps), 500))
    assert len(packed[0]) <= 66
    assert (packed[0][0], packed[0][-1], packed[2]) == (0, 999, 500)


def test_what_is_not_finite_is_null_in_json():
    assert pack_curve(Curve("loss", (1, 2), (float("inf"), 1.0), None))[1] == [None, 1.0]


def test_only_what_changed_is_written_again():
    from explorer.lineage.events import FactsRead
    from explorer.lineage.state import fold
    from explorer.lineage.values import Facts

    state = states.forked()
    rows, packed = Rows(state.buckets), PackedFacts()
    before = packed.pack(state, rows).split("\n")
    state = fold(state, [FactsRead(state.bucket("base").head, Facts(step=300, size_bytes=5))])
    after = packed.pack(state, rows).split("\n")
    assert [a for a, b in zip(after, before, strict=True) if a != b] == [
        after[rows.index(state.bucket("base").head)]
    ]
    assert after == PackedFacts().pack(state, rows).split("\n")
