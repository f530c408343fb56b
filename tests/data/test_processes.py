import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from trainer.data.processes import available, in_order
from trainer.errors import DataError


def square() -> Callable[[int], int]:
    return abs_square


def abs_square(number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number * number


def own_process() -> Callable[[int], int]:
    return lambda _number: os.getpid()


def refusing(number: int) -> int:
    if number == 3:
        raise DataError("a.txt", "line 3 is bad", "mend it")
    return number


def dying(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dying_of_size(text: str) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return len(text)


def slow_at_first(number: int) -> int:
    time.sleep(1 if number == 0 else 0)
    return number


def missing_its_signal() -> Callable[[int], int]:
    """Another thread takes SIGTERM, so that it does not wake this one: as where it comes just before the wait."""
    Thread(target=Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    return slow_at_first


def constant(work: Callable[..., int]) -> Callable[..., int]:
    return work


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    assert list(in_order(square, range(10), processes)) == [number * number for number in range(10)]
    assert list(in_order(square, [], processes)) == []


def test_a_single_item_and_a_single_process_need_no_other_process() -> None:
    assert list(in_order(own_process, [1], 4)) == [os.getpid()]
    assert list(in_order(own_process, range(3), 1)) == [os.getpid()] * 3
    assert os.getpid() not in in_order(own_process, range(3), 2)


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with closing(in_order(square, items(), 2)) as results:
        next(results)
        assert len(taken) <= 9  # one of the two processes may be slow to start: four each are ahead, and one is next
    assert multiprocessing.active_children() == []


def test_an_error_of_a_person_s_text_comes_through() -> None:
    with pytest.raises(DataError, match=r"a\.txt: line 3 is bad; mend it"):
        list(in_order(partial(constant, refusing), range(9), 2))
    assert multiprocessing.active_children() == []


def test_a_killed_process_is_told() -> None:
    with pytest.raises(DataError, match="a process was killed, most likely for want of memory; lower BERTH_PROCESSES"):
        list(in_order(partial(constant, dying), range(9), 2))


@pytest.mark.timeout(60)
def test_a_process_that_is_killed_while_large_items_are_on_their_way_is_told() -> None:
    with pytest.raises(DataError, match="a process was killed"):
        list(in_order(partial(constant, dying_of_size), ("a" * 20_000_000 for _ in range(6)), 2))
    assert multiprocessing.active_children() == []


@pytest.mark.timeout(60)
def test_a_process_that_its_signal_does_not_wake_ends_all_the_same() -> None:
    assert list(in_order(missing_its_signal, range(9), 2)) == list(range(9))
    assert multiprocessing.active_children() == []


def test_results_wait_for_a_slow_one_within_bounds() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(200):
            taken.append(number)
            yield number

    results = in_order(partial(constant, slow_at_first), items(), 2)
    assert next(results) == 0
    assert len(taken) <= 10
    assert list(results) == list(range(1, 200))


def test_no_process_outlives_a_killed_parent() -> None:
    program = (
        "from tests.data.test_processes import square\n"
        "from trainer.data.processes import in_order\n"
        "results = in_order(square, range(10**6), 2)\n"
        "print(next(results), flush=True)\n"
        "for _ in results: pass\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_a_pod_says_how_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_PROCESSES", "3")
    assert available() == 3
    monkeypatch.setenv("BERTH_PROCESSES", "")
    assert available() == len(os.sched_getaffinity(0))
