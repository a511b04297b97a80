"""JupyterLab and Chromium for tests: a server of its own, a page that runs a notebook, questions to its kernel."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

_QUIET = {"fetchNews": "false", "checkForUpdates": False}
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_READY = (
    "window.jupyterapp && jupyterapp.shell.currentWidget && jupyterapp.shell.currentWidget.sessionContext"
)
_ASK = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel, future = kernel.requestExecute({ code });
  let told = "";
  future.onIOPub = (m) => { told += m.content.text || (m.content.traceback || []).join("\\n"); };
  await future.done;
  return told.trim();
}"""


def chromium() -> str | None:
    """Where Chromium is on this machine; None where it is not."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


_MISSING = [name for name in ("playwright", "jupyterlab") if importlib.util.find_spec(name) is None]
if chromium() is None:
    _MISSING.append("chromium (apt-get install chromium)")
IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.xdist_group("notebook"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(_MISSING), reason=f"needs {', '.join(_MISSING)}"),
]
"""Marks of a module whose tests need all of this; one after the other, in one process."""


def write(path: Path, *cells: str) -> None:
    """A notebook of code cells."""
    import nbformat  # seconds, by the grammars that jsonschema reads
    from nbformat.v4 import new_code_cell, new_notebook

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=kernel), path)


@contextlib.contextmanager
def serve(folder: Path, home: Path) -> Iterator[str]:
    """JupyterLab on a free port of loopback without a token, its settings in `home`; ended behind the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(_QUIET))
    places = {
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "EXPLORER_DEMO_PACE": "0.02",
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--expose-app-in-browser",
    ]  # fmt: skip
    env = {**os.environ, **{name: str(place) for name, place in places.items()}}
    log = (home / "lab.log").open("wb")
    server = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    base = f"http://127.0.0.1:{port}"
    try:
        _until_it_answers(base, server, home / "lab.log")
        yield base
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        log.close()


def _until_it_answers(base: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{base}/api", timeout=2)
            return
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


class Notebook:
    """A notebook open in JupyterLab. What is not on loopback is refused, so no CDN can help."""

    def __init__(self, page, base: str, name: str) -> None:
        self.page = page
        self.outside: list[str] = []
        self.errors: list[str] = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.context.route(lambda url: not url.startswith((base, "blob:", "data:")), self._refuse)
        page.goto(f"{base}/lab/workspaces/{name}/tree/{name}.ipynb?reset", wait_until="domcontentloaded")
        page.wait_for_function(_READY, timeout=90_000)
        page.evaluate(
            "async () => { const w = jupyterapp.shell.currentWidget; await w.context.ready;"
            " await w.sessionContext.ready; await w.sessionContext.session.kernel.info; }"
        )

    def _refuse(self, route) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def run_all(self) -> None:
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def ask(self, code: str) -> str:
        """What the kernel prints for `code`."""
        return self.page.evaluate(_ASK, code)

    def theme(self, name: str) -> None:
        """`Light` or `Dark`."""
        command = "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })"
        self.page.evaluate(command, f"JupyterLab {name}")
        self.page.wait_for_selector(f".xp[data-theme={name.lower()}]")


@contextlib.contextmanager
def browse(base: str, name: str) -> Iterator[Notebook]:
    """A page with the notebook `name` of the server."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=list(_FLAGS))
        try:
            yield Notebook(browser.new_page(viewport={"width": 1280, "height": 1000}), base, name)
        finally:
            browser.close()
