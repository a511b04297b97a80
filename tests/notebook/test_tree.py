"""The tree from the kernel's side: what it sends, what it takes from the page, what its buttons do."""

import time

import pytest
from traitlets import TraitError

from explorer.errors import NotFound
from explorer.notebook.tree import VIEW
from tests.notebook.conftest import BASE, FORK

pytestmark = pytest.mark.xdist_group("notebook")  # one worker trains the lineage, once


@pytest.fixture
def tree(ex):
    return ex.tree()


def press(tree, verb, *marked, node=None, changes=""):
    """What the page sends for a button, and the wait until the worker is done with it."""
    content = {
        "type": "act",
        "verb": verb,
        "node": tree.selected if node is None else node,
        "marked": list(marked),
        "changes": changes,
    }
    tree._handle_custom_msg(content, [])
    until = time.monotonic() + 60
    while tree.busy:
        assert time.monotonic() < until, f"{verb} never ended"
        time.sleep(0.02)
    return tree.notice


def rows(tree):
    return {row.split("\t")[1]: row.split("\t") for row in tree.rows.split("\n")}


def test_it_is_one_widget_however_often_it_is_shown(ex, tree):
    assert ex.tree(height=300) is tree
    assert tree.height == 300


def test_what_widgets_cannot_show_is_there_as_text_and_html(ex, tree):
    bundle, _ = ex._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert BASE in bundle["text/plain"]
    assert f"<b>{BASE}</b>" in bundle["text/html"]


def test_its_rows_are_those_of_the_lineage(ex, tree):
    assert set(rows(tree)) >= {ex[BASE].node.address, ex[f"{BASE}@step-100"].node.address}
    assert len(tree.facts.split("\n")) == len(tree.rows.split("\n"))
    assert len(tree.links) == 12 * len(tree.rows.split("\n"))


def test_the_selection_is_an_address_whoever_makes_it(ex, tree):
    seen = []
    tree.observe(lambda change: seen.append(change["new"]), "selected")
    tree.selected = f"{BASE}@step-100"
    node = ex[f"{BASE}@step-100"]
    assert seen == [node.node.address]
    assert (tree.node, tree.address) == (node, f"{BASE}@step-100")
    tree.select(ex[FORK])
    assert tree.address == FORK
    tree.set_state({"selected": node.node.address})
    assert tree.node == node, "the page selects in the same way"


def test_what_is_not_there_cannot_be_selected(tree):
    with pytest.raises((NotFound, TraitError)):
        tree.selected = f"{BASE}@step-101"
    assert tree.selected == ""


def test_the_selection_leaves_as_something_that_runs(ex, tree, trained):
    import explorer

    tree.selected = f"{BASE}@step-100"
    node = eval(tree.snippet, {"explorer": explorer})
    assert node == ex[f"{BASE}@step-100"]


def test_fork_forks_and_selects_the_fork(ex, tree):
    tree.selected = f"{BASE}@step-50"
    said = press(tree, "fork", changes="lr=3e-5")
    fork = tree.node
    assert said["kind"] == "ok"
    assert fork.overrides == (("lr", 3e-5),)
    assert fork.node.address in rows(tree), "it is on the page before the button is up"
    assert tree.snippet.endswith(".fork(lr=3e-05)")
    assert press(tree, "undo")["kind"] == "ok"
    assert fork.node.address not in rows(tree)
    assert tree.selected == "", "what has gone is not selected"


@pytest.mark.parametrize("changes", ["lr", "lrr=1", "overrides=1", "lr='"])
def test_a_slip_is_one_line_under_the_tree(tree, changes):
    tree.selected = f"{BASE}@step-50"
    said = press(tree, "fork", changes=changes)
    assert said["kind"] == "error"
    assert said["hint"]
    assert "Error" not in said["text"]


def test_diff_shows_what_differs_below_the_tree(ex, tree):
    marks = [ex[f"{BASE}@step-150"].node.address, ex[f"{FORK}@step-150"].node.address]
    tree.selected = f"{BASE}@step-150"
    press(tree, "diff", *marks)
    assert "0.02" in tree.results.children[0].children[0].value
    assert tree.snippet.endswith(f".diff({FORK + '@step-150'!r})")


def test_diff_of_one_node_is_with_its_parent(ex, tree):
    tree.selected = f"{FORK}@step-150"
    press(tree, "diff")
    assert f"{BASE}@step-100 → {FORK}@step-150" in tree.results.children[0].children[0].value


def test_diff_of_a_root_says_what_is_missing(tree):
    tree.selected = f"{BASE}@step-50"
    said = press(tree, "diff")
    assert (said["kind"], "space" in said["hint"]) == ("error", True)


def test_compare_puts_one_figure_below_the_tree(ex, tree):
    press(tree, "compare", ex[BASE].node.address, ex[FORK].node.address, node=ex[BASE].node.address)
    figure = tree.results.children[0].children[0].children[1]
    assert "FigureWidget" in [kind.__name__ for kind in type(figure).__mro__]
    assert {line.name for line in figure.data} >= {BASE, FORK}
    assert "compare([" in tree.snippet


def test_details_show_the_checkpoint(tree):
    tree.selected = f"{BASE}@step-50"
    press(tree, "show")
    assert "weight_decay" in tree.results.children[0].children[0].value


def test_a_result_can_be_closed(tree):
    tree.selected = f"{BASE}@step-50"
    press(tree, "show")
    (row,) = tree.results.children
    row.children[1].click()
    assert tree.results.children == ()


def test_prefetch_fills_the_badge(ex, tree):
    tree.selected = f"{BASE}@step-150"
    press(tree, "prefetch")
    ex.prefetch(f"{BASE}@step-150").wait(60)
    tree.pump()
    at = [row.split("\t")[1] for row in tree.rows.split("\n")].index(tree.selected)
    assert tree.facts.split("\n")[at].split("\t")[5] == "1.00"


def test_resume_starts_a_run_and_shows_it(ex, tree):
    tree.selected = f"{BASE}@step-100"
    said = press(tree, "resume", changes="steps=105")
    assert said["kind"] == "ok", said
    assert tree.snippet.endswith(".resume(steps=105)")
    run = ex.runs[0].wait(60)
    assert run.status == "done"
    assert run.view.bucket == tree.node.bucket


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"type": "act"},
        {"type": "act", "verb": "format-disk", "node": BASE},
        {"type": "act", "verb": "diff", "node": "No Such\nBucket", "marked": "x", "changes": None},
        {"type": "see", "nodes": [None, 7, "no-such-bucket"]},
        {"type": "see", "nodes": "everything"},
    ],
)
def test_what_a_page_makes_up_does_no_harm(tree, content):
    tree._handle_custom_msg(content, [])
    time.sleep(0.1)
    assert tree.notice.get("kind") in (None, "error")


def test_a_change_from_elsewhere_arrives_without_asking(ex, tree):
    fork = ex.workspace.fork(ex[f"{BASE}@step-50"].node)
    tree.pump()
    assert fork.address in rows(tree)
    tree.marked = [fork.address]
    ex.undo()
    tree.pump()
    assert (fork.address in rows(tree), tree.marked) == (False, [])


def test_a_closed_explorer_leaves_its_picture_on_the_page(ex, tree):
    ex.close()
    before = tree.rows
    ex.workspace.fork(ex[f"{BASE}@step-50"].node)
    tree.pump()
    assert tree.rows == before
    assert tree.store["closed"]
    assert tree.comm is not None, "closing a widget would empty the cells that show it"
    ex.undo()
