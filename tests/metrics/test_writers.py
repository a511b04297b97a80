from explorer.metrics.stitch import chains, stitch
from explorer.metrics.writers import split_writers
from tests.metrics.lineages import attempt, branch


def timed(first, last, start_s, value=0.0):
    return {float(s): (value + s, start_s + s) for s in range(first, last + 1)}


def test_attempts_one_after_the_other_are_one_writer():
    a = attempt(timed(0, 100, 0.0), id="a")
    b = attempt(timed(81, 120, 500.0), id="b", restored_step=80.0)
    assert split_writers([b, a]) == ((a, b),)


def test_two_processes_at_once_are_two_curves_and_never_interleaved():
    begin = attempt(timed(0, 50, 0.0), id="a")
    one = attempt(timed(51, 150, 1000.0, value=1.0), id="b", restored_step=50.0)
    two = attempt(timed(51, 150, 1010.0, value=2.0), id="c", restored_step=50.0)
    writers = split_writers([begin, one, two])
    assert [[a.id for a in w] for w in writers] == [["a", "b"], ["a", "c"]]
    first, second = (stitch(c, "loss") for c in chains([branch("root", begin, one, two)]))
    assert len(first.series) == len(second.series) == 151
    assert first.series.values[100] == 101
    assert second.series.values[100] == 102


def test_ranks_that_log_the_same_rows_are_one():
    one = attempt(timed(0, 100, 0.0), id="rank0")
    two = attempt(timed(0, 98, 0.0), id="rank1")
    (writer,) = split_writers([one, two])
    assert len(writer) == 1
    assert len(writer[0].series["loss"]) == 101


def test_files_of_one_process_with_different_metrics_are_one_attempt():
    train = attempt({"train/loss": timed(0, 100, 0.0)}, id="a")
    evaluation = attempt({"eval/loss": timed(10, 90, 0.0)}, id="b")
    (writer,) = split_writers([train, evaluation])
    assert len(writer) == 1
    assert set(writer[0].series) == {"train/loss", "eval/loss"}
