"""The program as a process: pipes, closed outputs, endpoints that are not there."""

import json
import os
import socket
import subprocess
import sys

import pytest


def explorer(*argv, env=None, **settings):
    return subprocess.run(
        [sys.executable, "-m", "explorer", *argv],
        capture_output=settings.pop("capture_output", True),
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
        **settings,
    )


def test_version_is_one_line():
    done = explorer("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("explorer ")


def test_help_names_every_verb():
    told = explorer("--help").stdout
    for verb in ("demo", "serve", "tree", "ls", "show", "buckets", "snapshots", "forks", "diff", "compare"):
        assert f"\n    {verb} " in told
    for verb in ("prefetch", "cache", "resume", "runs", "store", "push", "doctor"):
        assert f"\n    {verb} " in told


def test_a_reader_that_had_enough_is_no_error(store_folder):
    done = subprocess.run(
        f"{sys.executable} -m explorer tree --data {store_folder} | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "0"


def test_a_closed_stdout_is_no_traceback(store_folder):
    done = subprocess.run(
        f"{sys.executable} -m explorer tree --data {store_folder} >&-",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_output_on_a_full_disk_is_an_error_in_two_lines(store_folder, form):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "explorer", "tree", *form, "--data", str(store_folder)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert "No space left" in done.stderr


def test_the_screen_wants_a_terminal(tmp_path):
    done = explorer("--data", str(tmp_path))
    assert done.returncode == 1
    assert "needs a terminal" in done.stderr


@pytest.fixture
def nobody_there():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_endpoint_that_is_down_is_named(nobody_there):
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    done = explorer("tree", "--endpoint", nobody_there, env=keys)
    assert done.returncode == 1
    assert nobody_there.split("://")[1] in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_without_credentials_is_an_error_and_not_a_fallback(nobody_there, tmp_path):
    done = explorer("tree", "--endpoint", nobody_there, env={"HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "credentials" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_wrong_credentials_say_which_were_used(store_folder):
    from explorer.localstore import ensure_running

    endpoint = ensure_running(store_folder).endpoint
    keys = {"AWS_ACCESS_KEY_ID": "tid_wrong", "AWS_SECRET_ACCESS_KEY": "y"}
    done = explorer("tree", "--endpoint", endpoint, env=keys)
    assert done.returncode == 1
    assert "AWS_ACCESS_KEY_ID" in done.stderr or "environment" in done.stderr
    assert "Traceback" not in done.stderr


def test_any_s3_client_in_the_shell_works_on_the_store(store_folder):
    """`eval "$(explorer serve --env)"`, then boto3 without a word of configuration."""
    script = """
import boto3, os
s3 = boto3.client("s3")
s3.create_bucket(Bucket="from-a-shell"); s3.put_object(Bucket="from-a-shell", Key="k", Body=b"v")
print(s3.get_object(Bucket="from-a-shell", Key="k")["Body"].read().decode())
"""
    done = subprocess.run(
        f"eval \"$({sys.executable} -m explorer serve --env --data {store_folder})\" && {sys.executable} -c '{script}'",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "v\n", done.stderr


def test_plain_s3_is_browsed_and_says_what_it_lacks():
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
        made = explorer("buckets", "create", "plain-two", "--endpoint", endpoint, env=keys)
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="x",
            aws_secret_access_key="y",
            region_name="us-east-1",
        )
        s3.create_bucket(Bucket="plain-one")
        told = explorer("tree", "--endpoint", endpoint, env=keys)
        refused = explorer("snapshots", "take", "plain-one", "--endpoint", endpoint, env=keys)
    finally:
        server.stop()
    assert told.returncode == 0, told.stderr
    assert "no snapshots" in told.stdout
    assert refused.returncode == 1
    assert "snapshots" in refused.stderr
    assert made.returncode == 1
    assert "snapshots" in made.stderr


def test_the_local_store_is_one_store_by_default_and_by_name(store_folder):
    """`serve --env` names it, so that a training writes there; runs and caches are not two worlds."""
    lines = explorer("serve", "--env", "--data", str(store_folder)).stdout.splitlines()
    named = dict(line.removeprefix("export ").split("=", 1) for line in lines)

    def store(data, env):
        return json.loads(explorer("tree", "--json", "--data", str(data), env=env).stdout)["store"]

    assert store(store_folder, named) == store(store_folder, {})
    assert store(store_folder, named)["local"] is True
    assert store(store_folder / "another", named)["local"] is False
