"""Makes the pictures of the README from the real program on a really trained lineage.

    python assets/make_pictures.py            # needs chromium, to turn SVG into PNG

Trains the demo in a folder of its own, opens the screens on it, presses keys as a user would.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SIZE = (140, 40)


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("chromium is needed to make PNG files")
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        demo = [sys.executable, "-m", "explorer", "demo", "--headless", "--data", str(folder / "data")]
        subprocess.run(demo, check=True)
        try:
            for name, svg in asyncio.run(pictures(folder / "data")).items():
                to_png(browser, svg, HERE / f"{name}.png", folder)
        finally:
            subprocess.run(
                [sys.executable, "-m", "explorer", "serve", "--stop", "--data", str(folder / "data")],
                check=True,
            )


async def pictures(data: Path) -> dict[str, str]:
    """SVG pictures by name: the lineage, a diff, a comparison."""
    from explorer.settings import Settings
    from explorer.tui.app import ExplorerApp
    from explorer.workspace.opener import open_workspace
    from explorer.workspace.seen import read_seen

    settings = Settings(data=data)
    seen = read_seen(settings)
    app = ExplorerApp(lambda: open_workspace(settings, seen), seen)
    taken: dict[str, str] = {}
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: app.session.workspace is not None and len(app.session.state.facts) > 30)
        state = app.session.state
        ends = [b.snapshots[-1].node for b in state.buckets.values() if b.snapshots]
        base = state.resolve("spiral-base@step-500")
        app.lineage.view.go(base)
        await pilot.press("p", "k", *"kkkk")
        await pilot.pause(1.5)
        taken["terminal"] = app.export_screenshot()
        app.lineage.view.mark([base, state.resolve("spiral-wd-3e-1@step-500")])
        await pilot.press("d")
        await pilot.pause(1.5)
        taken["diff"] = app.export_screenshot()
        await pilot.press("escape")
        app.lineage.view.mark(ends, on=True)
        await pilot.press("c")
        await pilot.pause(2)
        taken["compare"] = app.export_screenshot()
        await pilot.press("escape")
    return taken


async def until(ready) -> None:
    for _ in range(300):
        if ready():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the screen did not get there")


def to_png(browser: str, svg: str, png: Path, scratch: Path) -> None:
    """Draw an SVG with a font that has all the box characters; no font is fetched."""
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    page = scratch / "picture.html"
    page.write_text(f'<body style="margin:0">{svg}</body>')
    size = f"{int(float(width)) + 1},{int(float(height)) + 1}"
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
            f"--user-data-dir={scratch}/profile",
            f"--window-size={size}",
            f"--screenshot={png}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
