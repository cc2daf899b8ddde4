"""Work done behind the line: in order, bounded, and never silently lost."""

import threading

import pytest

from camsortxs.frames import Rejected
from camsortxs.records import Outcome
from camsortxs_agent.behind import Behind, Later

LONG = 10.0


@pytest.fixture
def gate():
    """What a piece of work may wait for; opened at the end, whatever became of the test."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_pieces_are_done_in_order_while_the_line_goes_on(gate):
    behind, done = Behind(limit=8), []
    with behind.running():
        behind.give(lambda: gate.wait(LONG) and done.append("first"))
        for number in range(3):
            behind.give(lambda number=number: done.append(number))
        assert done == []
        gate.set()
        behind.finish()
        assert done == ["first", 0, 1, 2]


def test_without_a_limit_each_is_done_by_who_gives_it():
    behind, by = Behind(limit=0), []
    behind.give(lambda: by.append(threading.current_thread()))
    behind.finish()
    assert by == [threading.current_thread()]


def test_who_would_give_too_many_waits(gate):
    behind = Behind(limit=2)
    given = threading.Semaphore(0)

    def give() -> None:
        for _ in range(3):
            behind.give(lambda: gate.wait(LONG) and None)
            given.release()

    line = threading.Thread(target=give, daemon=True)
    with behind.running():
        line.start()
        assert given.acquire(timeout=LONG)
        assert given.acquire(timeout=LONG)
        assert not given.acquire(timeout=0.2)
        assert behind.waiting == 2
        gate.set()
        assert given.acquire(timeout=LONG)
        line.join(LONG)


def test_an_error_ends_the_work_is_told_at_once_and_raised_in_the_line():
    told, done = threading.Event(), []
    behind = Behind(limit=8, failed=told.set)
    held = threading.Event()

    def fail() -> None:
        held.wait(LONG)
        raise OSError("no more")

    with behind.running():
        behind.give(fail)
        behind.give(lambda: done.append("after it"))
        held.set()
        assert told.wait(LONG)
        with pytest.raises(OSError, match="no more"):
            behind.finish()
        with pytest.raises(OSError, match="no more"):
            behind.give(lambda: done.append("later"))
    assert done == []


def test_what_nobody_waited_for_is_left_undone(gate):
    behind, done = Behind(limit=8), []
    with behind.running():
        begun = threading.Event()
        behind.give(lambda: begun.set() or gate.wait(0.2))
        behind.give(lambda: done.append("second"))
        assert begun.wait(LONG)
    assert done == []


def test_a_sink_behind_the_line_has_each_outcome_in_order():
    behind, written = Behind(limit=8), []
    sink = Later(behind, written.append)
    outcomes = [Outcome(model=f"m@{number}") for number in range(3)]
    with behind.running():
        for outcome in outcomes:
            sink.write(outcome)
        behind.finish()
    assert written == outcomes


def test_the_bytes_of_what_was_refused_do_not_wait(gate):
    behind, written = Behind(limit=8), []
    with behind.running():
        behind.give(lambda: gate.wait(LONG) and None)
        Later(behind, written.append).write(
            Outcome(model="m@1", rejected=(Rejected(reason="undecodable", message="", payload=b"long"),))
        )
        gate.set()
        behind.finish()
    assert [(item.reason, item.payload) for item in written[0].rejected] == [("undecodable", None)]
