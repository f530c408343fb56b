"""Work on all cores of a machine: the results come in order, so that their number shows in nothing but the time."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Any, TypeVar

from trainer.errors import DataError, Interrupted

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Worker:
    """What is done in a process that `in_order` started. SIGTERM stops it, with what is half written thrown away."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self._work = make()
        self._busy = self._stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def __call__(self, item: Any) -> Any:
        try:
            self._busy = True
            if not self._stopped:
                return self._work(item)
        finally:
            self._busy = False

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopped = True
        if self._busy:
            raise Interrupted("stopped")


_worker: _Worker


def available() -> int:
    """How many processes to use: BERTH_PROCESSES, which a pod sets to its share of the node, or the number of cores."""
    told = os.environ.get("BERTH_PROCESSES", "")
    return int(told) if told.isdecimal() and int(told) else len(os.sched_getaffinity(0))


def in_order(make: Callable[[], Callable[[Item], Result]], items: Iterable[Item], processes: int) -> Iterator[Result]:
    """`make()(item)` of each item, in the order of the items.

    Args:
        make: called once in each process; like items and results it must go through pickle.
        items: taken as they are needed, one more than there are processes.
        processes: with 1, or a single item, the work is done here.

    Raises:
        DataError: a process was killed.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if processes == 1 or len(first) < 2:
        yield from map(make(), chain(first, items))
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (make,))
    waiting: deque[Future[Result]] = deque()
    try:
        for item in chain(first, items):
            waiting.append(pool.submit(_do, item))
            if len(waiting) > processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        problem, remedy = "a process was killed, most likely for want of memory", "lower BERTH_PROCESSES"
        raise DataError("preparation", problem, remedy) from error
    finally:  # also where whoever asked does not want the rest
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # a core a process, in tokenizers too
    threading.Thread(target=_end_with_parent, daemon=True).start()
    global _worker  # noqa: PLW0603 - an executor keeps nothing else for its tasks
    _worker = _Worker(make)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(item: Any) -> Any:
    return _worker(item)
