"""`explorer access`: a key by hand, what it can do, and its end; and that a run's key goes with the run."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from explorer.access import Preset, Window, job_policy
from explorer.jobs.key_ledger import KeyLedger


def test_grant_check_revoke(run, bucket, tmp_path):
    code, made, _ = run("access", "grant", bucket, "--hours", "2", "--json")
    assert code == 0
    code, told, _ = run("access", "check", made["key"], "--json")
    assert (code, told["findings"], told["until"]) == (0, [], made["expires_at"])
    own, others = told["can"]
    assert own == {
        "bucket": bucket, "list": True, "read": True, "write": True, "delete": False, "snapshot": True,
        "delete bucket": False,
    }  # fmt: skip
    assert not any(value is True for row in (others, *told["after"]) for value in row.values())
    code, said, _ = run("access", "check", made["key"])
    assert re.search(r"after .* UTC: nothing", said)
    assert made["key"] in [key["key"] for key in run("access", "list", "--json")[1]["keys"]]
    assert run("access", "revoke", made["key"], "--json")[1]["revoked"] == [made["key"]]
    assert run("access", "check", made["key"])[0] == 1

    target = tmp_path / "job.env"
    code, said, _ = run("access", "grant", bucket, "--preset", "read-only", "--output", str(target))
    assert (code, target.stat().st_mode & 0o777) == (0, 0o600)
    assert "tsec_" in target.read_text()
    assert "tsec_" not in said
    run("access", "revoke", said.split()[0])


def test_a_policy_file_is_linted(run, tmp_path):
    policy = job_policy(Preset.OWN_FORK, Window.lasting(1, now=datetime.now(UTC)), writes="out").to_json()
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy))
    assert run("access", "check", str(path))[0] == 0
    del policy["Statement"][0]["Condition"]
    path.write_text(json.dumps(policy))
    code, said, _ = run("access", "check", str(path))
    assert code == 1
    assert "condition-missing" in said


def test_nothing_is_granted_on_what_is_not_there_and_nobody_elses_key_is_revoked(run, bucket):
    assert run("access", "grant", f"{bucket}-typo")[0] == 1
    assert run("access", "revoke")[0] == 1
    code, _, error = run("access", "revoke", "tid_nobody")
    assert (code, "hint:" in error) == (1, True)


def test_expired_keys_go_all_at_once(run, bucket, store_folder):
    _, made, _ = run("access", "grant", bucket, "--hours", "0.0003", "--json")
    while any(g.key == made["key"] and not g.has_expired for g in KeyLedger(store_folder).grants("local")):
        pass
    assert made["key"] in run("access", "revoke", "--expired", "--json")[1]["revoked"]
