import logging

from explorer.workspace.feed import Feed


def test_one_failing_screen_does_not_silence_the_others(caplog):
    feed, told = Feed(), []

    def broken(revision):
        raise RuntimeError("screen is gone")

    feed.subscribe(broken)
    end = feed.subscribe(told.append)
    with caplog.at_level(logging.ERROR):
        feed.tell(1)
    end()
    end()
    feed.tell(2)
    assert told == [1]
    assert "screen is gone" in caplog.text
