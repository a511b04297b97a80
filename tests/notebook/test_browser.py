"""The widgets in a real JupyterLab, driven by mouse and keys: what Python-level tests cannot see."""

from __future__ import annotations

import pytest

from tests.notebook.conftest import BASE, FORK
from tests.notebook.lab import IN_A_BROWSER, browse, write

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def lab(trained, jupyter):
    """One notebook in one JupyterLab, its tree on the page."""
    base, folder = jupyter
    write(
        folder / "tree.ipynb",
        f"import explorer\nex = explorer.open('local', data={str(trained)!r}).refresh()\nex",
    )
    with browse(base, "tree") as notebook:
        notebook.run_all()
        notebook.page.wait_for_selector(row(f"{BASE}@"), timeout=90_000)
        yield notebook


def row(start: str) -> str:
    return f".xp-row[data-address^='{start}']"


def select(lab, address: str) -> None:
    """Click the row of `bucket@name`."""
    bucket, _, name = address.partition("@")
    version = lab.ask(f"print(ex[{address!r}].node.address)") if name else bucket
    lab.page.click(f".xp-row[data-address='{version}']")
    lab.page.wait_for_selector(f".xp-sel[data-address='{version}']")


CONTRAST = """() => {
  const light = (c) => { const v = c / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    return 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  };
  const row = document.querySelector(".xp-sel"), back = luminance(getComputedStyle(row).backgroundColor);
  return [...row.querySelectorAll(".xp-name *, .xp-step, .xp-loss, .xp-age, .xp-tag")].map((e) => {
    const tag = e.classList.contains("xp-tag") ? luminance(getComputedStyle(e).backgroundColor) : back;
    const [a, b] = [luminance(getComputedStyle(e).color), tag].sort((x, y) => y - x);
    return [e.className, (a + 0.05) / (b + 0.05)];
  });
}"""


def test_mouse_and_keys_select_and_the_kernel_knows(lab):
    select(lab, f"{BASE}@step-100")
    assert lab.ask("print(ex.tree().address)") == f"{BASE}@step-100"
    assert "step-100" in lab.page.inner_text(".xp-snippet")
    lab.page.keyboard.press("j")
    lab.page.wait_for_function("() => document.querySelector('.xp-snippet').textContent.includes('step-50')")
    assert lab.ask("print(ex.tree().address)") == f"{BASE}@step-50"
    lab.page.keyboard.press("k")
    lab.page.keyboard.press("l")  # to the fork that was made here
    lab.page.wait_for_selector(f".xp-sel{row(FORK)}")
    # keys are told to the kernel one behind the other: what is under way would win over what it sets now
    while lab.ask("print(ex.tree().node.bucket)") != FORK:
        lab.page.wait_for_timeout(100)
    lab.ask(f"ex.tree().select({BASE!r})")
    lab.page.wait_for_selector(f".xp-sel[data-address='{BASE}']")


def test_keys_in_the_tree_leave_the_notebook_alone(lab):
    cells = "() => jupyterapp.shell.currentWidget.content.widgets.map((w) => w.model.type).join()"
    before = lab.page.evaluate(cells)
    lab.page.click(".xp-view")
    for key in ["x", "a", "b", "m", "y"]:
        lab.page.keyboard.press(key)
    assert lab.page.evaluate(cells) == before


def test_the_filter_narrows_and_escape_brings_back(lab):
    total = lab.page.inner_text(".xp-count")
    lab.page.click(".xp-view")
    lab.page.keyboard.press("/")
    lab.page.keyboard.type(f"{FORK} step-150")
    lab.page.wait_for_function("() => document.querySelector('.xp-count').textContent.startsWith('1 of')")
    lab.page.keyboard.press("Escape")
    lab.page.wait_for_function("(n) => document.querySelector('.xp-count').textContent === n", arg=total)


def test_fork_with_changes_then_undo(lab):
    select(lab, f"{BASE}@step-50")
    lab.page.fill(".xp-changes", "lr=0.004")
    lab.page.click("button[data-verb=fork]")
    lab.page.wait_for_selector(".xp-sel:has-text('lr 0.004')")
    assert lab.ask("print(ex.tree().node.overrides)") == "(('lr', 0.004),)"
    lab.page.click("button[data-verb=undo]")
    lab.page.wait_for_selector(".xp-notice:has-text('Took back')")
    assert lab.page.query_selector(row(f"{BASE}-lr-0.004")) is None


def test_what_the_kernel_does_arrives_on_the_page(lab):
    lab.ask(f"fork = ex[{BASE + '@step-50'!r}].fork('nb-live', lr=0.03); run = fork.resume(steps=90)")
    lab.page.wait_for_selector(f"{row('nb-live')}:has-text('running')", timeout=30_000)
    lab.page.wait_for_selector(f"{row('nb-live')}:has-text('done')", timeout=60_000)
    lab.page.wait_for_selector(row("nb-live@"), timeout=30_000)


def test_compare_draws_the_curves_of_marked_nodes(lab):
    lab.ask(f"ex.tree().marked = [ex[n].node.address for n in ({BASE!r}, {FORK!r})]")
    lab.page.wait_for_selector(".xp-mark")
    select(lab, BASE)
    lab.page.keyboard.press("c")
    drawn = "() => [...document.querySelectorAll('.js-plotly-plot')].some((e) => (e.data || []).length >= 3)"
    lab.page.wait_for_function(drawn, timeout=120_000)
    names = lab.page.evaluate("() => document.querySelector('.js-plotly-plot').data.map((line) => line.name)")
    assert {BASE, FORK} <= set(names)
    wide = "() => { const p = document.querySelector('.js-plotly-plot'); return"
    wide += " p.querySelector('.main-svg').clientWidth === p.parentElement.clientWidth; }"
    lab.page.wait_for_function(wide, timeout=20_000)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_selected_row_can_be_read(lab, theme):
    lab.theme(theme)
    select(lab, FORK)
    ratios = lab.page.evaluate(CONTRAST)
    assert ratios
    assert {name: round(ratio, 1) for name, ratio in ratios if ratio < 4.5} == {}, "WCAG AA"


def test_nothing_came_from_outside_and_nothing_went_wrong(lab):
    assert lab.outside == []
    assert lab.errors == []
