"""What a person reads of a group that failed; groups themselves are in tests/end_to_end and tests/cluster."""

from ray.exceptions import OutOfMemoryError
from ray.train import WorkerGroupError

from trainer.runtime.group import reason


def test_the_worker_that_died_is_named_and_not_those_that_miss_it() -> None:
    missing = RuntimeError("Traceback (most recent call last):\n  ...\nRuntimeError: Connection closed by peer")
    dead = OutOfMemoryError("Task was killed due to the node running low on memory.\nRefer to the documentation.")
    error = WorkerGroupError("failed", worker_failures={0: missing, 1: dead})
    assert reason(error) == "worker 0, 1 failed (Task was killed due to the node running low on memory.)"


def test_of_an_exception_its_last_line_is_shown() -> None:
    raised = RuntimeError('Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no such thing')
    assert (
        reason(WorkerGroupError("failed", worker_failures={2: raised})) == "worker 2 failed (ValueError: no such thing)"
    )


def test_a_group_that_never_started_says_so() -> None:
    assert reason(RuntimeError("it timed out\nand more")) == "the workers failed (it timed out)"


def test_a_long_reason_is_cut() -> None:
    assert len(reason(RuntimeError("word " * 1000))) < 250
