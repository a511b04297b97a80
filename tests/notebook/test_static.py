from explorer.lineage.rows import Rows
from explorer.notebook.static import as_html, as_text, title
from tests.notebook import states


def test_text_has_the_lanes_of_the_terminal():
    state = states.forked()
    text = as_text(state, Rows(state.buckets)).splitlines()
    assert text[0] == "local store: 2 buckets, 1 fork, 4 snapshots"
    assert text[1].split()[:2] == ["○", "base-lr-3e-5"]
    assert any(row.startswith("●─┘") and "base@step-200" in row for row in text)


def test_html_escapes_what_buckets_bring():
    state = states.hostile()
    html = as_html(state, Rows(state.buckets))
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_an_empty_store_says_so():
    state = states.empty()
    assert as_text(state, Rows(state.buckets)) == "local store: 0 buckets, 0 forks, 0 snapshots"
    assert "0 buckets" in as_html(state, Rows(state.buckets))


def test_what_comes_from_this_disk_is_marked():
    from dataclasses import replace

    assert title(replace(states.forked(), stale=True)).endswith("(last seen)")
