"""W&B's file of a run: what is written reads back, and damage costs what is damaged.

That W&B itself reads what is written here, and that what W&B writes is read here, is what `test_sync` shows.
"""

import pytest
from wandb.proto import wandb_internal_pb2

from trainer.tracking.transaction_log import TransactionLog

BLOCK = 32 << 10


def log(steps: range, size: int = 10) -> bytes:
    """A file with so many rows of history, each of at least so many bytes, and with an end."""
    rows = [wandb_internal_pb2.Record() for _ in steps]
    for row, step in zip(rows, steps, strict=True):
        row.history.step.num = step
        row.history.item.add(key="train/loss", value_json="1" * size)
    end = wandb_internal_pb2.Record()
    end.exit.exit_code = 0
    return TransactionLog((*rows, end)).with_steps(steps)


@pytest.mark.parametrize("size", [10, 1000, 32_700, 32_750, 32_768, 100_000])
def test_what_is_written_reads_back(size: int) -> None:
    file = log(range(1, 20), size)
    read = TransactionLog.of(file)
    assert read.steps == set(range(1, 20))
    assert {len(each.history.item[0].value_json) for each in read.messages if each.HasField("history")} == {size}
    assert read.ended
    assert read.with_steps(read.steps) == file


def test_steps_are_left_out_and_all_else_stays() -> None:
    read = TransactionLog.of(TransactionLog.of(log(range(1, 11))).with_steps({3, 4}))
    assert (read.steps, read.ended) == ({3, 4}, True)


def test_of_several_ends_the_last_one_stays() -> None:
    twice = TransactionLog(
        (*TransactionLog.of(log(range(1, 3))).messages, *TransactionLog.of(log(range(3, 5))).messages)
    )
    read = TransactionLog.of(twice.with_steps(range(1, 5)))
    assert [each.WhichOneof("record_type") for each in read.messages] == ["history"] * 4 + ["exit"]


def test_a_file_that_is_cut_short_reads_as_far_as_it_goes() -> None:
    file = log(range(1, 101), 1000)
    for end in range(0, len(file), 997):
        steps = TransactionLog.of(file[:end]).steps
        assert steps == set(range(1, len(steps) + 1))
        assert len(steps) >= end // 1100 - 1
        assert not TransactionLog.of(file[:end]).ended


def test_damage_costs_the_rest_of_its_block() -> None:
    file = bytearray(log(range(1, 201), 1000))
    file[BLOCK + 5000] ^= 1
    read = TransactionLog.of(bytes(file))
    lost = set(range(1, 201)) - read.steps
    assert 20 < len(lost) < 40  # of some 32 in a block
    assert lost == set(range(min(lost), max(lost) + 1))
    assert read.ended


@pytest.mark.parametrize(
    "file", [b"", b":W&B", b"something else altogether, and longer than a header", bytes(BLOCK * 2)]
)
def test_another_file_has_no_messages(file: bytes) -> None:
    assert TransactionLog.of(file).messages == ()
    assert TransactionLog.of(file).run is None
