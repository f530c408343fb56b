"""Work on all cores of a machine: the results come in order, so that their number shows in nothing but the time.

Not a ProcessPoolExecutor: where a process is killed while a large item is on its way to it, that waits for ever
(CPython issue 94777), and want of memory is what kills them. Here each process has a pipe of its own, which breaks.
"""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from trainer.errors import BerthError, DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_AHEAD = 4
"""Results for each process that may wait for one that is slow."""


def available() -> int:
    """How many processes to use: BERTH_PROCESSES, which a pod sets to its share of the node, or the number of cores."""
    told = os.environ.get("BERTH_PROCESSES", "")
    return int(told) if told.isdecimal() and int(told) else len(os.sched_getaffinity(0))


def in_order(make: Callable[[], Callable[[Item], Result]], items: Iterable[Item], processes: int) -> Generator[Result]:
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
    workers = [_Worker(make) for _ in range(processes)]
    try:
        yield from _shared_out(chain(first, items), workers)
    finally:  # also where whoever asked does not want the rest
        for worker in workers:
            worker.stop()


class _Worker:
    """A process, and the pipe to it."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, others_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(others_end, make), daemon=True)
        self._process.start()
        others_end.close()  # so that the pipe breaks when the process ends

    def give(self, item: Any) -> None:
        try:
            self.pipe.send(item)
        except OSError as error:
            raise _killed() from error

    def take(self) -> Any:
        try:
            went_well, outcome = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise _killed() from error
        if not went_well:
            raise outcome
        return outcome

    def stop(self) -> None:
        self._process.terminate()
        self.pipe.close()  # first: a signal that comes just before a process reads does not wake it, this does
        self._process.join()


def _shared_out(items: Iterator[Item], workers: list[_Worker]) -> Iterator[Any]:
    upcoming = enumerate(items)
    following = next(upcoming, None)
    idle, busy = list(workers), dict[Any, tuple[_Worker, int]]()
    done: dict[int, Any] = {}
    due = 0
    while following or busy:
        while idle and following and following[0] - due < _MOST_AHEAD * len(workers):
            worker = idle.pop()
            worker.give(following[1])
            busy[worker.pipe] = worker, following[0]
            following = next(upcoming, None)
        for pipe in wait(list(busy)):
            worker, number = busy.pop(pipe)
            done[number] = worker.take()
            idle.append(worker)
        while due in done:
            yield done.pop(due)
            due += 1


def _killed() -> DataError:
    problem, remedy = "a process was killed, most likely for want of memory", "lower BERTH_PROCESSES"
    return DataError("preparation", problem, remedy)


def _serve(pipe: Connection, make: Callable[[], Callable[[Any], Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    signal.signal(signal.SIGTERM, _stop)
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # a core a process, in tokenizers too
    try:
        work = make()
        while True:
            pipe.send(_outcome(work, pipe.recv()))
    except (EOFError, OSError):  # whoever started this is gone
        return


def _stop(_number: int, _frame: object) -> None:
    sys.exit()  # whereupon what is half written is thrown away


def _outcome(work: Callable[[Any], Any], item: Any) -> tuple[bool, Any]:
    try:
        return True, work(item)
    except Exception as error:
        if not isinstance(error, BerthError):
            error.add_note(traceback.format_exc())
        return False, error
