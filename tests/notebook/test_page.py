from explorer.notebook.page import folded, page, table, warnings
from explorer.notebook.run_widget import escaped_lines


def test_every_cell_is_escaped():
    html = page(
        table(("<i>", "n"), [("<script>alert(1)</script>", 1234567)], numbers=(1,)), warnings(["<b>"])
    )
    assert "<script>" not in html
    assert "<i>" not in html
    assert "<b>" not in html
    assert "1,234,567" in html


def test_a_long_table_says_what_it_leaves_out():
    assert "and 9,800 more" in table(("n",), ((n,) for n in range(10_000)))


def test_an_empty_section_is_not_there():
    assert folded("config", table(("a",), [])) == ""


def test_a_log_shows_the_last_state_of_a_progress_bar():
    assert escaped_lines("start\n10%\r50%\r100%\n<b>\n") == "start\n100%\n&lt;b&gt;"


def test_a_log_keeps_its_end():
    assert escaped_lines("\n".join(map(str, range(1000))), most=3) == "997\n998\n999"
