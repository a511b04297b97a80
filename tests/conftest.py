"""What every test stands on: an environment without anybody's settings, a real local store, no hidden skips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from explorer.storage import Store

# How long an example takes is the machine's affair: on a loaded one a limit fails what is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_MEANT_SKIPS = ("account", "apart")
"""Markers of tests that need something that CI cannot install beside the rest."""
_skipped: list[str] = []


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the home, the shell's credentials or the user's store."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TIGRIS_", "EXPLORER_")) and not name.startswith("EXPLORER_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EXPLORER_CONFIG", str(tmp_path / "no-settings.toml"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose local store runs for the session: tests share it and choose own bucket names."""
    from explorer.localstore import ensure_running, stop

    folder = tmp_path_factory.mktemp("shared-data")
    ensure_running(folder)
    yield folder
    stop(folder)


@pytest.fixture
def store(store_folder: Path) -> Iterator[Store]:
    """A connection to that store."""
    from explorer.localstore import ensure_running
    from explorer.storage import open_store

    running = ensure_running(store_folder)
    opened = open_store(
        running.endpoint, access_key=running.access_key, secret_key=running.secret_key, is_local=True
    )
    yield opened
    opened.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and not any(item.get_closest_marker(name) for name in _MEANT_SKIPS):
        _skipped.append(item.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _skipped.append(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker of xdist skipped, its own exit status tells nobody."""
    _skipped.extend(getattr(node, "workeroutput", {}).get("skipped", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything was installed (CI), a skip is a missing install step and fails the run."""
    worker = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["skipped"] = _skipped
        return
    if os.environ.get("EXPLORER_TEST_NO_SKIPS") and _skipped and session.exitstatus == 0:
        session.exitstatus = 1
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(
                f"skipped, though nothing may be here: {', '.join(sorted(set(_skipped)))}", red=True
            )
