import json
import math

from explorer.lineage.address import Node
from explorer.metrics.runs import read_run_file, run_key


def read(document):
    return read_run_file("r1", json.dumps(document).encode(), file="runs/r1/run.json")


def test_a_run_tells_where_it_came_from():
    told = read(
        {
            "run": "r1",
            "bucket": "child",
            "source": {"bucket": "root", "version": 1700000000000000000},
            "restored_step": 100,
            "started_at": "2026-11-24T08:00:00Z",
        }
    )
    assert told.source == Node("root", "1700000000000000000")
    assert told.restored_step == 100
    assert not told.fresh
    assert told.started_s == 1795507200


def test_a_run_without_a_source_started_from_nothing_and_a_missing_file_says_nothing():
    assert read({"source": None, "restored_step": None}).fresh
    assert not read({"bucket": "x"}).fresh
    absent = read_run_file("r1", None, file="runs/r1/run.json")
    assert not absent.fresh
    assert absent.bucket is None
    assert math.isnan(absent.started_s)


def test_a_broken_run_file_is_told():
    assert read_run_file("r1", b"{", file="runs/r1/run.json").troubles[0].file == "runs/r1/run.json"
    assert (
        read({"restored_step": "100", "source": 3, "bucket": 7, "started_at": "noon"}).restored_step is None
    )


def test_the_run_file_stands_beside_the_metrics():
    assert run_key("runs/r1/metrics.jsonl") == "runs/r1/run.json"
