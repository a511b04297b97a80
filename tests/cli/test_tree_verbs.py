import pytest


def test_the_words_of_the_readme_make_a_tree(run, bucket):
    code, taken, _ = run("snapshots", "take", bucket, "--name", "epoch-3", "--json")
    assert code == 0
    assert (taken["bucket"], taken["name"]) == (bucket, "epoch-3")
    assert isinstance(taken["version"], str)
    assert taken["version"].isdigit()
    fork = f"{bucket}-low"
    code, forked, _ = run(
        "forks",
        "create",
        f"{bucket}@epoch-3",
        "--name",
        fork,
        "--set",
        "lr=1e-4",
        "--set",
        "opt=adam",
        "--json",
    )
    assert code == 0
    assert forked["bucket"] == fork
    assert forked["parent"] == {"bucket": bucket, "version": taken["version"]}
    assert forked["overrides"] == {"lr": 1e-4, "opt": "adam"}
    code, tree, _ = run("tree", "--json")
    assert code == 0
    assert tree["store"]["local"] is True
    nodes = {b["bucket"]: b for b in tree["buckets"]}
    assert nodes[fork]["parent"] == forked["parent"]
    assert nodes[fork]["overrides"] == forked["overrides"]
    assert nodes[fork]["runs"] == []
    assert nodes[bucket]["parent"] is None
    (snapshot,) = nodes[bucket]["snapshots"]
    assert (snapshot["version"], snapshot["name"], snapshot["step"]) == (taken["version"], "epoch-3", None)
    assert snapshot["created_at"].endswith("Z")


def test_the_tree_as_text_draws_the_fork(run, bucket):
    run("snapshots", "take", bucket, "--name", "step-7")
    run("forks", "create", f"{bucket}@step-7", "--name", f"{bucket}-f", "--set", "lr=3e-5")
    code, out, _ = run("tree")
    assert code == 0
    line = next(line for line in out.splitlines() if f"{bucket}-f" in line)
    assert "lr 3e-5" in line
    assert f"fork of {bucket}@step-7" in line


def test_lists_as_text_and_json(run, bucket):
    run("snapshots", "take", bucket, "--name", "a")
    run("snapshots", "take", bucket)
    code, told, _ = run("snapshots", "list", bucket, "--json")
    assert code == 0
    assert [s["name"] for s in told["snapshots"]] == ["a", None]
    assert told["snapshots"][0]["version"] < told["snapshots"][1]["version"]
    assert len(run("snapshots", "list", bucket)[1].splitlines()) == 2
    run("forks", "create", bucket, "--name", f"{bucket}-x")
    assert [f["bucket"] for f in run("forks", "list", bucket, "--json")[1]["forks"]] == [f"{bucket}-x"]
    assert bucket in run("buckets", "list")[1]
    assert bucket in [b["bucket"] for b in run("buckets", "list", "--json")[1]["buckets"]]


def test_a_fork_without_a_name_gets_one(run, bucket):
    run("snapshots", "take", bucket, "--name", "a")
    assert run("forks", "create", f"{bucket}@a", "--json")[1]["bucket"] == f"{bucket}-f1"


def test_deleting_asks_and_takes_yes(run, bucket):
    run("snapshots", "take", bucket, "--name", "a")
    run("forks", "create", f"{bucket}@a", "--name", f"{bucket}-x")
    code, _, err = run("forks", "delete", f"{bucket}-x")
    assert code == 1
    assert "--yes" in err
    code, _, err = run("buckets", "delete", bucket, "--yes")
    assert code == 1
    assert f"`{bucket}-x` was forked from" in err
    assert run("forks", "delete", f"{bucket}-x", "--yes")[0] == 0
    assert run("snapshots", "delete", f"{bucket}@a", "--yes")[0] == 0
    assert run("snapshots", "delete", bucket, "--yes")[0] == 1
    assert run("buckets", "delete", bucket, "--yes")[0] == 0
    assert bucket not in run("buckets", "list")[1]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("snapshots", "take", "no-such-bucket"), 1, "no bucket `no-such-bucket`"),
        (("forks", "create", "X"), 1, "not a bucket name"),
        (("forks", "create", "abc", "--set", "lr"), 1, "--set name=value"),
        (("buckets", "create", "Bad_Name"), 1, "3-63"),
        (("buckets",), 2, "there is: create, list, delete"),
        (("nonsense",), 2, "`explorer` has no verb `nonsense`"),
        (("tre",), 2, "did you mean `tree`"),
        (("runs", "logs", "r1"), 2, "did you mean `log`"),
        (("show",), 2, "write `explorer show ADDR`"),
        (("push",), 2, "write `explorer push --to URL BUCKET`"),
        (("tree", "--jsn"), 2, "did you mean `--json`"),
        (("cache", "clear", "x"), 2, "`explorer cache clear` takes no `x`"),
        (("diff", "a", "b", "--only", "stat"), 2, "did you mean `state`"),
        (("show", "a", "--step", "x"), 2, "--step: invalid int value: 'x'"),
        (("tree", "--endpoint", "t3.storage.dev"), 1, "with its scheme"),
    ],
)
def test_what_cannot_be_meant_is_said(run, argv, code, said):
    answered, _, err = run(*argv)
    assert answered == code
    assert said in err
    assert err.startswith("error: ")
    assert err.splitlines()[1].startswith("hint: ")
    assert len(err.splitlines()) == 2


def test_the_nearest_name_is_suggested(run, bucket):
    run("snapshots", "take", bucket, "--name", "epoch-3")
    assert "`epoch-3`" in run("forks", "create", f"{bucket}@epoch-4")[2]
    assert f"`{bucket}`" in run("snapshots", "take", bucket[:-1])[2]


def test_every_verb_says_what_all_of_them_take(run):
    assert "--json" in run("snapshots", "take", "--help")[1]


def test_a_word_for_something_else_deletes_and_freezes_nothing(run, bucket):
    run("snapshots", "take", bucket, "--name", "a")
    for argv, hint in {
        ("forks", "delete", bucket, "--yes"): f"`explorer buckets delete {bucket}`",
        ("buckets", "delete", f"{bucket}@a", "--yes"): f"`explorer snapshots delete {bucket}@a`",
        ("snapshots", "take", f"{bucket}@a"): f"`explorer snapshots take {bucket}`",
    }.items():
        code, _, err = run(*argv)
        assert code == 1
        assert hint in err
    assert len(run("snapshots", "list", bucket)[1].splitlines()) == 1


def test_a_name_that_is_used_twice_is_told(run, bucket):
    _, first, err = run("snapshots", "take", bucket, "--name", "a", "--json")
    assert err == ""
    code, second, err = run("snapshots", "take", bucket, "--name", "a", "--json")
    assert code == 0
    assert f"warning: `{bucket}@a` names this snapshot now" in err
    assert f"{bucket}@{first['version']}" in err
    assert run("ls", f"{bucket}@a", "--json")[1]["address"] == f"{bucket}@{second['version']}"


def test_an_empty_list_says_so_beside_it(run, bucket):
    for argv, said in {
        ("snapshots", "list", bucket): "no snapshots",
        ("forks", "list", bucket): "no forks",
        ("access", "list"): "no keys",
    }.items():
        code, out, err = run(*argv)
        assert (code, out) == (0, "")
        assert said in err


def test_the_forks_of_one_snapshot(run, bucket):
    for name in ("a", "b"):
        run("snapshots", "take", bucket, "--name", name)
        run("forks", "create", f"{bucket}@{name}", "--name", f"{bucket}-{name}")
    assert [f["bucket"] for f in run("forks", "list", f"{bucket}@b", "--json")[1]["forks"]] == [f"{bucket}-b"]
