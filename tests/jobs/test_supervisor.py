"""What a supervisor promises, on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from explorer.errors import NotFound, ResumeFailed
from explorer.jobs.backend import Handle
from explorer.jobs.local import LocalBackend
from explorer.jobs.processes import Process, started_of, this_process
from explorer.jobs.spec import run_folder
from tests.jobs.launches import KEYS, ended, python, said, spec, start, until

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def test_a_job_that_ends_well_is_done_and_its_output_is_kept(data: Path) -> None:
    job = start(data, python("import sys; print('out'); print('err', file=sys.stderr)"))
    status = ended(data, job)
    assert (status.state, status.exit_code, status.signal) == ("done", 0, None)
    assert status.ended_ns >= status.started_ns
    assert sorted(said(data, job).split()) == ["err", "out"]


def test_exit_codes_and_signals_are_kept_apart(data: Path) -> None:
    failed = ended(data, start(data, python("raise SystemExit(3)")))
    assert (failed.state, failed.exit_code, failed.signal) == ("failed", 3, None)
    killed = ended(data, start(data, python("import os; os.kill(os.getpid(), 11)")))
    assert (killed.state, killed.exit_code, killed.signal) == ("failed", 139, 11)
    assert killed.reason == "ended by SIGSEGV"


def test_a_program_that_is_not_there_fails_at_once(data: Path) -> None:
    with pytest.raises(ResumeFailed, match="no-such-program") as caught:
        start(data, ("no-such-program", "x"))
    handle = Handle("local", str(caught.value.where))
    assert LocalBackend(data).status(handle).state == "failed"
    assert not (run_folder(data, handle.reference) / "credentials").exists()
    job = spec(("no-such-program",), data)
    assert "no-such-program" in LocalBackend(data).check(job)[0].message


def test_stopping_lets_the_job_finish_its_step(data: Path) -> None:
    code = """
        import signal, sys, time
        def end(*_): print("saved"); sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("ready")
        time.sleep(60)
    """
    job = start(data, python(textwrap.dedent(code)))
    until(lambda: "ready" in said(data, job))
    LocalBackend(data).cancel(job)
    status = ended(data, job)
    assert (status.state, status.exit_code) == ("stopped", 0)
    assert "saved" in said(data, job)


def test_a_job_that_will_not_stop_is_killed_after_its_grace(data: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(60)"
    )
    job = start(data, python(code))
    until(lambda: "ready" in said(data, job))
    LocalBackend(data).cancel(job, grace_s=0.2)
    status = ended(data, job)
    assert (status.state, status.signal) == ("stopped", signal.SIGKILL)


@linux
def test_what_a_job_leaves_behind_is_swept_even_from_another_session(data: Path) -> None:
    code = """
        import subprocess, sys
        kept = subprocess.Popen(["sleep", "300"])
        fled = subprocess.Popen(["sleep", "300"], start_new_session=True)
        print(kept.pid, fled.pid)
    """
    job = start(data, python(textwrap.dedent(code)))
    ended(data, job)
    pids = [int(word) for word in said(data, job).split()]
    assert len(pids) == 2
    assert [started_of(pid) for pid in pids] == [None, None]


def test_a_job_outlives_the_process_that_launched_it(data: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\nprint('went on')"
    launcher = f"""
        import os, signal
        from pathlib import Path
        from tests.jobs.launches import start, python
        print(start(Path({str(data)!r}), python({wait!r})).reference, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(launcher)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    job = Handle("local", done.stdout.strip())
    assert LocalBackend(data).status(job).state == "running"
    go.touch()
    assert ended(data, job).state == "done"
    assert "went on" in said(data, job)


def test_a_supervisor_that_was_killed_leaves_a_lost_run(data: Path) -> None:
    job = start(data, python("import time; time.sleep(60)"))
    status = LocalBackend(data).status(job)
    assert status.supervisor is not None
    assert status.job is not None
    os.kill(status.supervisor.pid, signal.SIGKILL)
    until(lambda: not status.supervisor.is_alive)
    unwatched = LocalBackend(data).status(job)
    assert (unwatched.state, unwatched.job) == ("running", status.job)  # the training itself lives
    assert "unwatched" in str(unwatched.reason)
    os.kill(status.job.pid, signal.SIGKILL)
    assert ended(data, job).state == "lost"


def test_an_unwatched_job_can_still_be_stopped(data: Path) -> None:
    job = start(data, python("import time; time.sleep(60)"))
    status = LocalBackend(data).status(job)
    assert status.supervisor is not None
    os.kill(status.supervisor.pid, signal.SIGKILL)
    until(lambda: not status.supervisor.is_alive)
    LocalBackend(data).cancel(job, grace_s=5)
    assert ended(data, job).state == "lost"


def test_a_pid_that_was_reused_is_another_process() -> None:
    me = this_process()
    assert me.is_alive
    assert not Process(me.pid, me.started + "0").is_alive
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: started_of(child.pid) is None)  # a zombie is as good as gone
    child.wait()


@linux
def test_secrets_are_in_no_argv_and_no_file_but_one(data: Path) -> None:
    secret = KEYS["AWS_SECRET_ACCESS_KEY"].encode()
    job = start(
        data, python("import time; print('ready'); time.sleep(60)"), passed={"PATH": os.environ["PATH"]}
    )
    until(lambda: "ready" in said(data, job))
    status = LocalBackend(data).status(job)
    assert status.job is not None
    assert status.supervisor is not None
    for process in (status.job, status.supervisor):
        assert secret not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert secret not in Path(f"/proc/{process.pid}/environ").read_bytes()
    folder = run_folder(data, job.reference)
    (folder / "restore/checkpoints").mkdir(parents=True)
    holding = [path.name for path in folder.iterdir() if path.is_file() and secret in path.read_bytes()]
    assert holding == ["credentials"]
    assert (folder / "credentials").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    LocalBackend(data).cancel(job, grace_s=0.1)
    ended(data, job)
    assert not (folder / "credentials").exists()  # the keys live no longer than the job
    assert not (folder / "restore").exists()


def test_the_log_is_followed_by_offset(data: Path) -> None:
    job = start(data, python("print('a' * 5000)"))
    ended(data, job)
    backend = LocalBackend(data)
    first, at = backend.logs(job, 0, limit=1000)
    rest, end = backend.logs(job, at)
    assert (len(first), len(first + rest), end) == (1000, 5001, 5001)
    assert backend.logs(job, end) == (b"", end)


def test_an_unknown_run_names_the_nearest(data: Path) -> None:
    job = start(data, python("print(1)"))
    ended(data, job)
    with pytest.raises(NotFound) as caught:
        LocalBackend(data).status(Handle("local", job.reference[:-1] + "x"))
    assert job.reference in caught.value.hint
    with pytest.raises(NotFound):
        LocalBackend(data).status(Handle("local", "../runs"))


def test_the_supervisor_needs_the_standard_library_alone() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import explorer.jobs.supervisor; print(len(sys.modules))"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
