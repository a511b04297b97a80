"""A comparison in a real JupyterLab: what is clicked arrives in the kernel, what the kernel does on the page."""

from __future__ import annotations

import pytest

from tests.notebook.conftest import BASE, FORK
from tests.notebook.lab import IN_A_BROWSER, browse, write

pytestmark = IN_A_BROWSER
PLOT = "document.querySelector('.js-plotly-plot')"
DRAWN = f"() => {PLOT} && ({PLOT}.data || []).some((t) => t.name === '{FORK}' && t.x && t.x.length)"
POINT = """([name, step]) => {
  const plot = document.querySelector(".js-plotly-plot"), full = plot._fullLayout, box = plot.getBoundingClientRect();
  const at = (t) => [...t.x].indexOf(step);
  const trace = plot._fullData.find((t) => t.mode === "markers" && t.legendgroup === name && t.marker.symbol === "circle" && at(t) >= 0);
  const x = box.x + full._size.l + full.xaxis.c2p(trace.x[at(trace)]), y = box.y + full._size.t + full.yaxis.c2p(trace.y[at(trace)]);
  return [x, y];
}"""


@pytest.fixture(scope="module")
def lab(trained, jupyter):
    """One notebook in one JupyterLab, a comparison on the page."""
    base, folder = jupyter
    write(
        folder / "curves.ipynb",
        f"import explorer\nex = explorer.open('local', data={str(trained)!r}).refresh()",
        f"view = ex.compare([{BASE!r}, {FORK!r}], metric='val_loss')\nview",
        "_ = view.set(smoothing=0.6)",
        "_ = view.set(colour_by='lr')",
        f"twice = ex.compare([{BASE!r}, {FORK!r}], metric='loss')\ntwice",
        "twice.set(colour_by='lr', lost=True)",
    )
    with browse(base, "curves") as notebook:
        notebook.run_all()
        notebook.page.wait_for_selector(".xc-below tbody tr", timeout=90_000)
        notebook.page.wait_for_function(DRAWN, timeout=90_000)
        notebook.page.set_default_timeout(15_000)
        notebook.folder = folder
        yield notebook


def until(lab, code, wanted):
    """Wait until the kernel prints `wanted` for an expression: what the page says is under way."""
    for _ in range(100):
        told = lab.ask(f"print({code})")
        if told == wanted:
            return
        lab.page.wait_for_timeout(100)
    raise AssertionError(f"{code} is {told}, not {wanted}")


def points(lab, name):
    return lab.page.evaluate(f"(name) => {PLOT}.data.find((t) => t.name === name).x.length", name)


def ranges(lab):
    return lab.page.evaluate(f"() => [...{PLOT}._fullLayout.xaxis.range]")


def choose(lab, label, value):
    lab.page.select_option(f".xc-controls select[aria-label^='{label}']", value)


def test_what_is_set_while_the_page_still_loads_is_seen_and_so_is_a_second_view(lab):
    plots = "() => [...document.querySelectorAll('.js-plotly-plot')]"
    whole = f"{plots}.length === 3 && {plots[6:]}.every((p) => p.data.filter((t) => t.mode === 'lines' && t.x.length).length >= 2)"
    lab.page.wait_for_function(whole, timeout=60_000)
    colours = f"{plots}.map((p) => p.data.find((t) => t.name === '{BASE}').line.color)"
    assert len(set(lab.page.evaluate(colours))) == 1
    assert lab.page.evaluate(f"() => {PLOT}.data.some((t) => t.opacity < 0.3 && t.x.length)")
    lab.ask("twice.close(); _ = view.set(smoothing=0, colour_by='')")
    lab.page.wait_for_function(f"{plots}.length === 1")
    assert lab.page.locator(".xc-below").count() == 1, "what is closed leaves the page"


def test_the_figure_has_the_width_of_the_page(lab):
    wide = f"() => {PLOT}.querySelector('.main-svg').clientWidth === {PLOT}.parentElement.clientWidth"
    lab.page.wait_for_function(wide, timeout=20_000)


def test_controls_say_it_to_the_kernel(lab):
    choose(lab, "The x axis", "active")
    until(lab, "view.x, view.figure.layout.xaxis.title.text.split(' (')[0]", "active time spent training")
    choose(lab, "The x axis", "step")
    lab.page.click(".xc-controls button:has-text('log y')")
    until(lab, "view.log_y", "True")
    lab.page.click(".xc-controls button:has-text('log y')")
    slider = lab.page.locator(".xc-smooth input")
    slider.focus()
    for _ in range(5):
        lab.page.keyboard.press("ArrowRight")
    until(lab, "view.smoothing", "0.05")
    lab.page.wait_for_function(f"() => {PLOT}.data.some((t) => t.opacity < 0.3 && t.x.length)")
    lab.ask("view.smoothing = 0")


def test_what_code_sets_the_controls_show(lab):
    lab.ask("view.set(after_fork=False, smoothing=0.6)")
    lab.page.wait_for_function("() => document.querySelector('.xc-smooth output').textContent === '0.60'")
    start = "() => document.querySelector(\".xc-controls select[aria-label^='Where']\").value"
    assert lab.page.evaluate(start) == "start"
    lab.ask("view.set(after_fork=True, smoothing=0)")


def test_a_metric_is_searched_and_added_as_a_panel(lab):
    box = lab.page.locator(".xc-metric input").first
    box.click()
    lab.page.keyboard.type("loss")
    lab.page.keyboard.press("Enter")
    until(lab, "view.metric", "loss")
    lab.page.click(".xc-controls button:text-is('+')")
    lab.page.wait_for_function(f"() => {PLOT}._fullLayout.yaxis2 && {PLOT}._fullLayout.yaxis2.visible")
    until(lab, "len(view.comparisons)", "2")
    lab.page.click(".xc-away >> nth=1")
    until(lab, "view.metric", "loss")
    box.click()
    lab.page.keyboard.type("no such thing")
    lab.page.keyboard.press("Enter")
    assert box.input_value() == "loss", "what is no metric is taken back"
    lab.ask("view.metric = 'val_loss'")


def test_a_click_on_a_checkpoint_chooses_it_and_forks_it(lab):
    lab.page.mouse.click(*lab.page.evaluate(POINT, [BASE, 100]))
    lab.page.wait_for_selector(f".xc-place:text-is('{BASE}@step-100')")
    until(lab, "view.selected", f"{BASE}@step-100")
    lab.page.fill(".xc-pick .xp-changes", "lr=0.007")
    lab.page.click(".xc-pick button[data-verb=fork]")
    lab.page.wait_for_selector(".xc-below .xp-ok:has-text('Forked')")
    assert lab.ask(f"print([dict(f.overrides) for f in ex['{BASE}@step-100'].forks][-1])") == "{'lr': 0.007}"
    lab.ask("ex.undo()")
    lab.page.fill(".xc-pick .xp-changes", "lrr=0.007")
    lab.page.click(".xc-pick button[data-verb=fork]")
    lab.page.wait_for_selector(".xc-below .xp-error:has-text('lrr')")
    lab.page.fill(".xc-pick .xp-changes", "")


def test_the_table_filters_sorts_and_hides(lab):
    lab.page.fill(".xc-find input", "lr>0.05")
    lab.page.wait_for_selector(".xp-count:text-is('1 of 2 curves')")
    assert points(lab, BASE) == 0
    lab.page.fill(".xc-find input", "lrr>0.05")
    lab.page.wait_for_selector(".xc-below .xp-error:has-text('lrr')")
    lab.page.fill(".xc-find input", "")
    lab.page.wait_for_selector(".xp-count:text-is('2 curves')")
    lab.page.click(".xc-below th button:has-text('lr')")
    lab.page.wait_for_selector(".xc-below th[aria-sort=ascending]")
    until(lab, "view.sort, list(view.table.index)", f"lr {[BASE, FORK]}")
    lab.page.click(".xc-below th button:has-text('lr')")
    until(lab, "view.sort, list(view.table.index)", f"-lr {[FORK, BASE]}")
    lab.page.click(f".xc-swatch[aria-label='Hide {FORK}']")
    lab.page.wait_for_function(f"() => {PLOT}.data.find((t) => t.name === '{FORK}').x.length === 0")
    lab.page.click(f".xc-swatch[aria-label='Show {FORK}']")
    lab.page.wait_for_function(DRAWN)


def test_a_zoom_stays_while_a_run_logs_and_a_double_click_ends_it(lab):
    area = lab.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    left, right, middle = (
        area["x"] + 0.4 * area["width"],
        area["x"] + 0.7 * area["width"],
        area["y"] + area["height"] / 2,
    )
    before = ranges(lab)
    lab.page.mouse.move(left, middle)
    lab.page.mouse.down()
    lab.page.mouse.move(right, middle, steps=5)
    lab.page.mouse.up()
    lab.page.wait_for_function(f"(old) => {PLOT}._fullLayout.xaxis.range[0] > old + 1", arg=before[0])
    zoomed = ranges(lab)
    lab.ask(f"run = ex['{BASE}@step-100'].resume(steps=200); view.add(run.node)")
    lab.page.wait_for_selector(".xc-below .xp-done >> nth=2", timeout=60_000)
    assert ranges(lab) == pytest.approx(zoomed)
    lab.page.wait_for_function(
        f"() => {PLOT}.data.some((t) => t.x.length && t.x[t.x.length - 1] === 200)", timeout=20_000
    )
    lab.page.mouse.dblclick(left, middle)
    lab.page.wait_for_function(f"(old) => {PLOT}._fullLayout.xaxis.range[0] < old", arg=zoomed[0])
    lab.page.wait_for_function(f"() => {PLOT}._fullLayout.xaxis.range[1] > 200")


def test_parallel_coordinates_are_made_when_they_are_opened(lab):
    assert lab.page.locator(".js-plotly-plot .parcoords").count() == 0
    lab.page.click("text=Parallel coordinates")
    lab.page.wait_for_selector(".js-plotly-plot .parcoords", timeout=60_000)


def test_it_is_saved_beside_the_notebook(lab):
    choose(lab, "Save beside", "csv")
    lab.page.wait_for_selector(".xc-below .xp-ok:has-text('Saved val_loss.csv')")
    assert (lab.folder / "val_loss.csv").stat().st_size > 1000


def test_nothing_came_from_outside_and_nothing_went_wrong(lab):
    assert lab.outside == []
    # where plotly's code takes a busy page over 2 s: what is lost of that, the tests above would have missed
    assert [said for said in lab.errors if "Failed to initialize model" not in said] == []
