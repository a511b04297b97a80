"""`/`: the little language, and the prompt on the screen."""

from __future__ import annotations

import pytest
from textual.events import Key

from explorer.lineage.rows import Rows
from explorer.tui.query import Finder, parse
from tests.tui.synthetic import NOW_NS, many, week

STATE = week()
ROWS = Rows(STATE.buckets)
FINDER = Finder(STATE, ROWS)


def found(text: str) -> list[str]:
    return [STATE.label(ROWS.node(row)) for row in FINDER.find(parse(text), NOW_NS)]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("tokenizer", ["tokenizer"]),
        ("LLAMA-BASE@STEP-9", ["llama-base@step-900"]),
        ("~lmawd1k", []),
        ("~lmwd1000", ["llama-wd-0.1@step-1000"]),
        ("!llama", ["tokenizer"]),
        ("bucket:lr-1e", ["llama-lr-1e-3", "llama-lr-1e-3@step-600", "llama-lr-1e-3@step-500"]),
        ("name:step-100 bucket:base", ["llama-base@step-100"]),
        ("lr>1e-4", ["llama-lr-1e-3", "llama-lr-1e-3@step-600", "llama-lr-1e-3@step-500"]),
        ("lr=3e-5 step>=800", ["llama-lr-3e-5", "llama-lr-3e-5@step-800"][1:]),
        ("weight_decay=0.1 age>10m", ["llama-wd-0.1@step-900"]),
        ("loss<1.92 name:step", ["llama-wd-0.1@step-1000"]),
        ("run:failed", ["llama-lr-1e-3", "llama-lr-1e-3@step-600", "llama-lr-1e-3@step-500"]),
        ("cache:yes", ["llama-base@step-800", "llama-base@step-400"]),
        ("cache:part", ["llama-lr-3e-5@step-800"]),
        ("size>1G step=100", ["llama-base@step-100"]),
        ("size<1G", []),
        ("3e-5 !bucket:f1 step-7", ["llama-lr-3e-5@step-700"]),
    ],
)
def test_queries(text, labels):
    assert found(text) == labels


@pytest.mark.parametrize("text", ["", " ", "!", "~", "!~"])
def test_nothing_to_find_is_no_filter(text):
    assert not parse(text)


@pytest.mark.parametrize(("text", "said"), [("loss<", "waits for a number"), ("loss<abc", "is not a number")])
def test_an_unfinished_word_is_said_and_the_others_hold(text, said):
    query = parse(f"tokenizer {text}")
    assert said in query.trouble
    assert [ROWS.node(row).bucket for row in FINDER.find(query, NOW_NS)] == ["tokenizer"]


@pytest.mark.parametrize(
    ("older", "newer", "narrows"),
    [
        ("ll", "lla", True),
        ("ll", "ll lr>1", True),
        ("lla", "ll", False),
        ("!ll", "!lla", False),
        ("loss<2", "loss<20", False),
        ("bucket:a", "bucket:a x", True),
        ("", "x", False),
    ],
)
def test_only_a_query_that_can_find_no_more_searches_what_was_found(older, newer, narrows):
    assert parse(newer).narrows(parse(older)) is narrows
    if narrows:
        assert set(found(newer)) <= set(found(older))


def test_a_search_that_was_given_up_stops():
    state = many(20_000)
    rows = Rows(state.buckets)
    asked = []
    found = Finder(state, rows).find(parse("run"), NOW_NS, given_up=lambda: asked.append(1) or len(asked) > 1)
    assert len(found) <= 4096


async def test_the_prompt_filters_while_one_types_and_escape_takes_it_away(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j")
        node = s.node
        await pilot.press("slash", *"wd")
        await pilot.pause(0.2)
        assert len(s.view.shown_rows) == 3
        assert "3 found" in s.text
        assert s.node == node
        await pilot.press("enter", "j")
        assert s.label == "llama-wd-0.1@step-900"
        assert "matching wd" in s.text
        await pilot.press("n")
        assert s.label == "llama-wd-0.1"
        await pilot.press("N")
        assert s.label == "llama-wd-0.1@step-900"
        await pilot.press("escape")
        assert len(s.view.shown_rows) == 23
        assert s.label == "llama-wd-0.1@step-900"


async def test_escape_in_the_prompt_leaves_everything_as_it_was(stage):
    async with stage() as (s, pilot):
        await pilot.press("slash", *"q")
        await pilot.pause(0.2)
        assert "Nothing matches" in s.text or len(s.view.shown_rows) < 23
        await pilot.press("escape")
        assert len(s.view.shown_rows) == 23
        await pilot.press("j")
        assert s.view.cursor == 1


async def test_a_filter_is_kept_when_the_state_moves_and_given_up_for_a_new_fork(stage):
    async with stage() as (s, pilot):
        await pilot.press("slash")
        s.write(query="bucket:base step=800")
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert len(s.view.shown_rows) == 1
        await pilot.press("s")
        await s.settle(pilot)
        assert s.node.version is not None, (
            "the snapshot that was just taken is shown, whatever the filter says"
        )
        assert len(s.view.shown_rows) == 24


async def test_large_trees_are_searched_in_a_thread(stage):
    async with stage(many(6_000)) as (s, pilot):
        await pilot.press("slash")
        s.write(query="run-003@step-1")
        await pilot.pause(0.15)
        await s.settle(pilot)
        assert 0 < len(s.view.shown_rows) < 200


async def test_keys_typed_faster_than_the_screen_paints_go_where_they_belong(stage):
    async with stage() as (s, pilot):
        for key in ("slash", *"rq", "escape", "slash", *"tok", "enter", "space"):
            s.app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause(0.4)
        assert s.app.lineage.filtering.query.text == "tok"
        assert len(s.view.shown_rows) == 1
        assert len(s.view.marked) == 1, "the space after enter is the screen's again"
        for key in ("slash", "x", "escape", "j"):
            s.app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause(0.4)
        assert not s.app.lineage.filtering.query
        assert s.view.cursor > 0
