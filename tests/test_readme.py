"""The README is checked against the program: what it does not name, nobody finds."""

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_every_verb_is_named():
    from explorer.cli import build_parser

    actions = [a for a in build_parser()._actions if a.dest == "verb"]
    for verb in actions[0].choices:
        assert re.search(rf"`(explorer )?{verb}\b", README), verb


def test_every_key_of_the_first_screen_is_named():
    from explorer.tui.actions import show_key
    from explorer.tui.keys import LINEAGE

    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    told = {key for cell in re.findall(r"`([^`\n]+)`", prose) for key in cell.split()}
    for action in LINEAGE:
        keys = {show_key(key, ascii=False) for key in action.keys.split(",")}
        assert keys & (told | {"PgDn", "PgUp"}), (action.name, keys)


def test_every_room_is_on_the_map():
    rooms = {p.parent.name for p in (Path(__file__).parent.parent / "explorer").glob("*/__init__.py")}
    for room in rooms:
        assert f"{room}/" in README


def test_every_setting_is_named():
    from dataclasses import fields

    from explorer.settings import Settings

    for field in fields(Settings):
        if field.name not in ("endpoint_from",):
            assert re.search(rf"\b{field.name}\b", README), field.name


def test_every_picture_is_there():
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (Path(__file__).parent.parent / name).is_file(), name
