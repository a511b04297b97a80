"""Where keys come from, in order, and what is said when there are none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from explorer.errors import NotAllowed
from explorer.storage import open_store
from tests.storage.scripted import error, serving

ENDPOINT = "https://t3.storage.test"


@pytest.fixture
def files(tmp_path, monkeypatch):
    shared = tmp_path / "credentials"
    shared.write_text("[team]\naws_access_key_id = team\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))


def key(**wanted):
    return open_store(ENDPOINT, **wanted).environment()["AWS_ACCESS_KEY_ID"]


def test_keys_in_order(files, monkeypatch):
    monkeypatch.setenv("TIGRIS_STORAGE_ACCESS_KEY_ID", "tigris")
    monkeypatch.setenv("TIGRIS_STORAGE_SECRET_ACCESS_KEY", "s")
    assert key() == "tigris"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert key() == "env"
    assert key(profile="team") == "team"
    assert key(profile="team", access_key="given", secret_key="s") == "given"


def test_keys_given_do_not_meet_the_profile_of_the_shell(files, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "gone")
    assert key(access_key="given", secret_key="s") == "given"
    with pytest.raises(NotAllowed, match="`gone`"):
        key()


def test_no_keys_at_all_is_an_error_with_a_hint_and_asks_nobody():
    with pytest.raises(NotAllowed) as none:
        open_store(ENDPOINT).list_buckets()
    assert "AWS_ACCESS_KEY_ID" in none.value.hint
    assert "TIGRIS_STORAGE_ACCESS_KEY_ID" in none.value.hint
    assert "local store" in none.value.hint


@pytest.mark.parametrize(
    ("variables", "wanted", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}, {}, "`AWS_ACCESS_KEY_ID`"),
        ({}, {"profile": "team"}, "profile `team`"),
        ({"AWS_PROFILE": "team"}, {}, "profile `team`"),
        (
            {"TIGRIS_STORAGE_ACCESS_KEY_ID": "a", "TIGRIS_STORAGE_SECRET_ACCESS_KEY": "s"},
            {},
            "TIGRIS_STORAGE",
        ),
    ],
)
def test_a_refusal_says_which_keys_were_used(files, monkeypatch, variables, wanted, says):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with serving(lambda asked: error(403, "AccessDenied", "Access Denied")) as script:
        with pytest.raises(NotAllowed) as refused:
            open_store(script.endpoint, **wanted).list_buckets()
        assert says in refused.value.hint


def test_opening_a_store_imports_nothing_heavy():
    code = (
        "import sys; from explorer.storage import open_store; open_store('http://127.0.0.1:9');"
        "print([m for m in ('boto3', 'botocore', 'tigris_boto3_ext', 'obstore') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
