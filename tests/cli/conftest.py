"""The command line in this process, on the session's local store."""

import json
import secrets

import pytest

from explorer.cli import main


@pytest.fixture
def run(store_folder, capsys):
    """`run("tree", "--json")` -> (exit code, what it printed or the JSON document, stderr)."""

    def call(*argv):
        try:
            code = main(["--data", str(store_folder), *argv])
        except SystemExit as usage:
            code = usage.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, json.loads(out) if "--json" in argv and out else out, err

    return call


@pytest.fixture
def bucket(run):
    """A bucket with snapshots on, made by the command line."""
    name = f"cli-{secrets.token_hex(4)}"
    assert run("buckets", "create", name)[0] == 0
    return name
