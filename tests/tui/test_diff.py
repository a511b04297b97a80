"""The diff screen on a real workspace over a real local store: values, filters, three places, files."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from textual.pilot import Pilot
from textual.widgets import Input

from explorer.settings import Settings
from explorer.tui.app import ExplorerApp
from explorer.tui.screens.diff import DiffScreen
from explorer.tui.screens.save_as import SaveAs
from explorer.tui.screens.values import ChooseValues
from explorer.workspace.opener import open_workspace
from explorer.workspace.workspace import Workspace

BASE, FORK = "diffed", "diffed-fork"
LAYERS = 12


def weights(step: int) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)
    found = {}
    for at in range(LAYERS):
        for part in ("attn", "mlp"):
            one = chance.normal(size=(8, 16)).astype("f4")
            found[f"layers.{at}.{part}.weight"] = one * (1 + 0.5 * (step - 1) * (at + 1) / LAYERS)
    found["frozen"] = chance.normal(size=7).astype("f4")
    found["=formula"] = np.ones(step, "f4")
    return found


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Path:
    """A bucket with steps 1, 2 and 3, and a fork from step 1 that went its own way."""
    opened = open_workspace(Settings(data=store_folder))
    client = opened._core.store

    def put(bucket: str, step: int, lr: float, **state: object) -> None:
        folder = "checkpoints/step-000001/"
        files = {
            "model.safetensors": save(weights(step)),
            "shared.safetensors": save({"embed": np.ones((4, 4), "f4")}),
            "config.json": json.dumps({"lr": lr, "depth": LAYERS}).encode(),
            "training_state.json": json.dumps({"step": 1, "optimizer": {"lr": lr}, **state}).encode(),
        }
        for name, data in files.items():
            client.write(bucket, folder + name, data)

    try:
        opened.create_bucket(BASE)
        for step in (1, 2, 3):
            put(BASE, step, 0.1 if step < 3 else 0.4)
            opened.snapshot(BASE, f"s{step}")
        opened.fork(opened.resolve(f"{BASE}@s1"), FORK)
        # the config says one learning rate, the restored optimizer carries another
        put(FORK, 2, 0.2, optimizer={"lr": 0.1})
        opened.snapshot(FORK, "own")
    finally:
        opened.close()
    return store_folder


@dataclass
class Screen:
    app: ExplorerApp
    workspace: Workspace
    pilot: Pilot[int]

    @property
    def page(self) -> DiffScreen:
        return next(s for s in self.app.screen_stack if isinstance(s, DiffScreen))

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line(self, start: str) -> str:
        return next(line for line in self.lines if start in line)

    async def settle(self, seconds: float = 0.05) -> None:
        await self.app.workers.wait_for_complete()
        await self.pilot.pause(seconds)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def filter(self, text: str) -> None:
        await self.pilot.press("slash")
        self.app.screen.query_one("#query", Input).value = text
        await self.pilot.press("enter")
        await self.settle()


@pytest.fixture
def opened(store: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AsyncIterator[Screen]]:
    """`async with opened("a", "b") as screen`: the diff of two addresses has been read."""

    @asynccontextmanager
    async def open_screen(
        a: str, b: str, *, size: tuple[int, int] = (110, 40), three_way: bool = False
    ) -> AsyncIterator[Screen]:
        workspace = open_workspace(Settings(data=store))
        workspace.refresh()
        app = ExplorerApp(lambda: workspace, workspace.state)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, workspace, pilot)
            while app.session.workspace is None:
                await screen.settle()
            nodes = workspace.resolve(a), workspace.resolve(b)
            app.push_screen(DiffScreen(app.session, *nodes, three_way=three_way))
            await pilot.pause()
            while not screen.page.sections:
                await screen.settle()
            yield screen

    return open_screen


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """While it is closed, the bytes of tensors do not arrive."""
    from explorer.workspace import value_statistics

    event = threading.Event()
    real = value_statistics._merged

    def waiting(fetch, wants):
        event.wait(20)
        return real(fetch, wants)

    monkeypatch.setattr(value_statistics, "_merged", waiting)
    yield event
    event.set()


def expected_change(at: int) -> float:
    return 0.5 * (at + 1) / LAYERS


async def test_values_are_asked_for_with_what_they_cost_and_stand_beside_the_tensors(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.press("v")
        assert isinstance(s.app.screen, ChooseValues)
        read = 2 * 4 * (2 * LAYERS * 8 * 16 + 7)
        assert f"25 tensors, {read / 1000:.0f} kB to read, under 1 s at" in s.text
        assert "1 not compared: it has another shape on each side" in s.text
        assert not s.page.results
        await s.press("enter")
        assert "CHANGE" in s.line("▾ tensors")
        assert "24 of 25 tensors differ in value" in s.text
        line = s.line("layers.0-11.attn.weight")
        assert s.page.results["model", "layers.5.mlp.weight"].relative == pytest.approx(
            expected_change(5), rel=1e-5
        )
        a, b = (
            np.concatenate([weights(step)[f"layers.{at}.attn.weight"].reshape(-1) for at in range(LAYERS)])
            for step in (1, 2)
        )
        assert f"{float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)):.5f}" in line
        assert f"{np.linalg.norm(b - a) / np.linalg.norm(a):.3g}" in line
        await s.press("v")
        assert "have been compared" in s.text or "1 not compared" in s.text


async def test_a_group_or_a_tensor_under_the_cursor_can_be_chosen(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.filter("attn")
        await s.press("j", "v")
        assert "layers.0-11.attn.weight (12 tensors)" in s.text
        assert "all that match attn" in s.text
        await s.press("enter")
        assert len(s.page.results) == 12
        await s.press("escape", "g")
        await s.filter("mlp")
        await s.press("j", "enter", "j", "v")
        assert "layers.0.mlp.weight" in s.lines[s.lines.index(s.line("▌1"))]
        await s.press("2", "enter")
        assert len(s.page.results) == 24


async def test_sorting_unfolds_and_puts_the_largest_first(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.press("s")
        assert "No values have been compared yet" in s.text
        await s.press("v", "enter", "s")
        names = [line.split()[1] for line in s.lines if ".weight" in line]
        assert set(names[:2]) == {"layers.11.attn.weight", "layers.11.mlp.weight"}
        assert set(names[2:4]) == {"layers.10.attn.weight", "layers.10.mlp.weight"}
        assert not any(" = " in line and "frozen" in line for line in s.lines)
        assert "CHANGE" in s.line("▌▾ tensors")
        for _ in range(4):
            await s.press("s")
        assert "by NaN and infinities" in s.text
        await s.press("s", "S")
        assert "by NaN and infinities" in s.text


async def test_escape_stops_reading_at_once_and_keeps_what_is_done(opened, gate):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.pilot.press("v")
        await s.settle()
        await s.pilot.press("enter")
        await s.pilot.pause(0.3)
        assert "0%" in s.line("esc stops")
        assert "0 of 25 tensors" in s.line("esc stops")
        await s.pilot.press("j", "j", "k")
        assert s.page.run is not None
        await s.pilot.press("v")
        assert "Values are being compared already" in s.text
        await s.pilot.press("escape")
        await s.pilot.pause()
        assert s.page.run is None
        assert "stopped: 0 of 25 tensors compared" in s.text
        assert s.app.screen is s.page
        gate.set()
        await s.settle(0.2)
        assert not s.page.results
        await s.press("v", "enter")
        assert len(s.page.results) == 25


async def test_leaving_the_page_stops_reading(opened, gate):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.pilot.press("v")
        await s.settle()
        await s.pilot.press("enter")
        await s.pilot.pause(0.2)
        run = s.page.run
        await s.pilot.press("q")
        assert s.app.screen is s.app.lineage
        assert run._cancel.is_set()
        gate.set()


async def test_what_is_shared_costs_nothing(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s3") as s:
        await s.filter("embed")
        assert "embed" not in s.text.replace("matching embed", "")
        await s.press("escape", "u")
        await s.filter("embed")
        assert "= embed" in s.text
        await s.press("v")
        assert "1 identical tensor: nothing to read" in s.text
        await s.press("enter")
        assert "identical: one object on both sides" in s.text
        assert "nothing read" in s.text


async def test_filters_by_glob_kind_and_section(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s3") as s:
        await s.filter("layers.1*.attn.weight")
        found = [line.split()[1] for line in s.lines if ".weight" in line and "matching" not in line]
        assert found == [f"layers.{at}.attn.weight" for at in (1, 10, 11)]
        await s.press("escape")
        await s.filter("kind:reshaped")
        assert "=formula" in s.text
        assert "1 row of" in s.text
        await s.press("escape")
        await s.filter("in:config")
        assert "0.1 → 0.4" in s.text
        assert "▾ state" not in s.text
        await s.press("escape")
        assert "▾ state" in s.text
        await s.press("escape")
        assert s.app.screen is s.app.lineage


async def test_what_is_found_is_said_while_it_is_typed(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2", size=(80, 24)) as s:
        await s.pilot.press("slash", *"attn")
        await s.pilot.pause(0.3)
        await s.settle()
        assert s.line("/ attn").endswith("12 found")
        await s.pilot.press(*" kind:x")
        await s.pilot.pause(0.3)
        assert "kinds are" in s.line("/ attn")


async def test_unchanged_rows_on_request(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s3") as s:
        assert "depth" not in s.text
        await s.press("u")
        assert "= depth" in s.text
        await s.press("u")
        assert "depth" not in s.text


async def test_three_places_with_one_key_and_back(opened):
    async with opened(f"{BASE}@s3", f"{FORK}@own") as s:
        await s.press("t")
        assert s.lines[0].strip() == f"3-way  {FORK}@own and {BASE} since {BASE}@s1"
        assert "fork 0.2 → parent 0.4" in s.text
        await s.press("v")
        assert "t goes back to two" in s.text
        await s.press("Y")
        assert "].three_way()" in s.app.clipboard
        await s.press("t")
        assert s.lines[0].strip().startswith("diff")
        await s.press("C")
        version = s.workspace.resolve(f"{FORK}@own").address
        assert s.app.clipboard == f"explorer diff {s.workspace.resolve(f'{BASE}@s3').address} {version}"


async def test_three_places_with_one_key_from_the_lineage(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.press("q")
        s.app.lineage.go(s.workspace.resolve(FORK))
        await s.press("t")
        await s.settle(0.2)
        assert s.lines[0].strip() == f"3-way  {FORK} and {BASE} since {BASE}@s1"
        await s.press("escape")
        s.app.lineage.go(s.workspace.resolve(BASE))
        await s.press("t")
        assert f"{BASE} was not forked from anything." in s.text


async def test_three_places_need_a_fork(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s3") as s:
        await s.press("t")
        assert f"{BASE} is not a fork." in s.text
        assert s.lines[0].strip().startswith("diff")


async def test_a_learning_rate_that_was_not_taken_up_is_said_in_words_to_its_end(opened):
    async with opened(f"{BASE}@s1", f"{FORK}@own", size=(80, 24)) as s:
        start = s.lines.index(s.line("▾ warnings"))
        end = next(at for at in range(start + 1, 24) if s.lines[at].startswith((" ▾", " ▸")))
        said = " ".join(line.strip(" !▌") for line in s.lines[start + 1 : end])
        expected = s.page.diff.warnings
        assert " ".join(expected) == said
        assert any("0.2" in warning and "0.1" in warning and "optimizer" in warning for warning in expected)
        await s.pilot.resize_terminal(140, 24)
        await s.settle(0.2)
        assert expected[0] in s.text


async def test_the_rows_on_screen_go_into_a_file(opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.press("v", "enter")
        await s.filter("in:tensors")
        await s.press("e")
        assert isinstance(s.app.screen, SaveAs)
        await s.press("enter")
        assert "diff.csv written" in s.text
        with (tmp_path / "diff.csv").open(newline="") as file:
            rows = {row["name"]: row for row in csv.DictReader(file)}
        assert len(rows) == 2 * LAYERS + 2
        assert rows["'=formula"]["change"] == "reshaped"
        assert float(rows["layers.3.mlp.weight"]["relative"]) == pytest.approx(expected_change(3), rel=1e-5)
        await s.press("e", "down")
        await s.press("enter")
        document = json.loads((tmp_path / "diff.json").read_text())
        assert document["tensors"]["reshaped"][0]["name"] == "=formula"
        assert len(document["values"]) == 25
        await s.press("e")
        s.app.screen.query_one("#path", Input).value = str(tmp_path / "no" / "x.csv")
        await s.pilot.press("enter")
        assert "There is no folder" in s.text


async def test_the_python_that_is_copied_makes_the_same(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2") as s:
        await s.filter("layers.1*.attn.weight")
        await s.press("v", "enter", "Y")
        code = s.app.clipboard
        assert code.startswith("import explorer\n\nex = explorer.open()\n")
        assert code.endswith("diff.filter('layers.1*.attn.weight').values()\n")
        compile(code, "cell", "exec")


async def test_details_filter_and_unfold_too(opened):
    async with opened(f"{BASE}@s1", f"{BASE}@s2", size=(110, 50)) as s:
        await s.press("q")
        s.app.lineage.go(s.workspace.resolve(f"{BASE}@s2"))
        await s.press("enter")
        await s.settle(0.2)
        assert "×12" in s.line("layers.0-11.attn.weight")
        await s.filter("layers.1*.attn.weight")
        assert sum(".attn.weight" in line for line in s.lines if "matching" not in line) == 3
        await s.press("escape", "escape")
        assert s.app.screen is s.app.lineage
