"""`explorer compare` on a real store."""

import io
import json
import secrets

import pytest

from explorer.cli import compare_text, main
from explorer.settings import Settings
from explorer.workspace.opener import open_workspace


@pytest.fixture(scope="module")
def lineage(store_folder):
    """A bucket logged to 60, and a fork of step 30 with another lr."""
    name = f"b-{secrets.token_hex(4)}"
    workspace = open_workspace(Settings(data=store_folder))
    workspace.create_bucket(name)

    def log(bucket, run, steps, value, source=None, restored=None):
        told = {"run": run, "bucket": bucket, "source": source, "restored_step": restored}
        rows = "".join(json.dumps({"step": s, "loss": value - s / 100, "acc": s / 60}) + "\n" for s in steps)
        workspace._core.store.write(bucket, f"runs/{run}/run.json", json.dumps(told).encode())
        workspace._core.store.write(bucket, f"runs/{run}/metrics.jsonl", rows.encode())

    log(name, "r1", range(31), 3.0)
    at = workspace.snapshot(name, "step-30")
    fork = workspace.fork(at, f"{name}-fork", (("lr", 1e-4),))
    log(fork.bucket, "r2", range(31, 51), 2.0, {"bucket": name, "version": at.version}, 30)
    log(name, "r1", range(61), 3.0)
    workspace.close()
    return store_folder, name, fork.bucket


def run(capsys, folder, *words):
    code = main(["--data", str(folder), "compare", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_table_and_a_chart(lineage, capsys):
    folder, root, fork = lineage
    code, out, _ = run(capsys, folder, root, fork)
    assert code == 0
    (row,) = (line for line in out.splitlines() if line.startswith("b  "))
    assert fork in row
    assert "lr 0.0001" in row
    assert "−1.000" in row
    assert "◆" in out
    assert "\x1b" not in out


def test_json_is_the_promised_document(lineage, capsys):
    folder, root, fork = lineage
    code, out, _ = run(capsys, folder, f"{root}@step-30", fork, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["store"]["local"]
    frozen, forked = document["nodes"]
    assert frozen["points"][-1][0] == 30
    assert forked["fork_step"] == forked["inherited_until"] == 30
    assert forked["overrides"] == {"lr": 1e-4}
    assert forked["parted"]["identical_until"] == 30


def test_rows_are_chosen_and_sorted(lineage, capsys):
    folder, root, fork = lineage
    _, out, _ = run(capsys, folder, root, fork, "--sort", "best", "--no-chart")
    assert out.splitlines()[1].split()[1] == fork
    _, out, _ = run(capsys, folder, root, fork, "--where", "last>2", "--no-chart", "--target", "2.5")
    assert len(out.splitlines()) == 2
    assert out.splitlines()[1].split()[1] == root
    assert "target" in out
    code, _, err = run(capsys, folder, root, "--where", "lost<2")
    assert code == 1
    assert "hint: did you mean `loss` or `last`" in err


def test_files_and_mistakes(lineage, capsys, tmp_path):
    folder, root, fork = lineage
    code, out, _ = run(capsys, folder, root, fork, "-o", str(tmp_path / "a.svg"))
    assert code == 0
    assert out == ""
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert run(capsys, folder, root, "-o", str(tmp_path / "none" / "a.csv"))[0] == 1
    assert run(capsys, folder, root, "--metrics")[1] == "acc\nloss\n"
    code, _, err = run(capsys, folder, root, "--metric", "los")
    assert code == 1
    assert "did you mean `loss`?" in err
    with pytest.raises(SystemExit):
        run(capsys, folder, root, "--smooth", "1")


def test_several_metrics_a_baseline_and_groups(lineage, capsys):
    folder, root, fork = lineage
    words = (root, fork, "--metric", "loss", "--metric", "acc", "--smoothing", "0.6", "--group-by", "lr")
    code, out, _ = run(capsys, folder, *words)
    assert code == 0
    assert sum(line.startswith("b  ") and fork in line for line in out.splitlines()) == 2
    assert "smoothed 0.6" in out
    (group,) = (line.split() for line in out.splitlines() if line.split()[:2] == ["0.0001", "1"])
    assert group[3] == "–"
    code, out, _ = run(capsys, folder, *words, "--json", "--baseline", fork)
    loss, acc = json.loads(out)["comparisons"]
    assert (loss["metric"], acc["metric"]) == ("loss", "acc")
    assert loss["baseline"] == fork
    assert loss["nodes"][0]["delta_to_parent"] > 0
    assert loss["groups"] == [{"value": 1e-4, "nodes": [fork]}, {"value": None, "nodes": [root]}]
    code, _, err = run(capsys, folder, root, fork, "--group-by", "lt")
    assert code == 1
    assert "lr" in err


@pytest.mark.parametrize("more", [(), ("--log-x", "--full"), ("--delta",), ("--filter", "lr>1e-5")])
def test_a_narrow_terminal_that_knows_ascii_alone(lineage, capsys, monkeypatch, more):
    folder, root, fork = lineage
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(compare_text.sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    code = main(["--data", str(folder), "compare", root, fork, *more])
    compare_text.sys.stdout.flush()
    out = compare_text.sys.stdout.buffer.getvalue().decode(
        "ascii"
    )  # anything else would not have been written
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert fork[-8:] in out
    assert out.count("\n") > 12


def test_pictures_are_written_by_name_or_by_format(lineage, capsys, tmp_path):
    folder, root, fork = lineage
    code, _, err = run(
        capsys,
        folder,
        root,
        fork,
        "--png",
        str(tmp_path / "a"),
        "-o",
        str(tmp_path / "b.csv"),
        "--metric",
        "acc",
    )
    assert code == 0
    assert (tmp_path / "a").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "b.csv").read_text().startswith("node,step,x,value,inherited")
    assert len(err.splitlines()) == 2
