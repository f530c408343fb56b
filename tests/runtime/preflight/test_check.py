"""The whole preflight on groups of real processes, one of which is not as it should be."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from torch import Tensor

from tests.runtime.preflight.group import Place, check, new_folder
from trainer.runtime.preflight.network import Trial


class Lying(Trial):
    """Sends a wrong number."""

    def mine(self, size: int) -> Tensor:
        numbers = super().mine(size)
        numbers[-1] += 1
        return numbers


class Dawdling(Trial):
    """Takes its time before it sends."""

    def mine(self, size: int) -> Tensor:
        time.sleep(0.1)
        return super().mine(size)


class Freezing(Trial):
    """Hears and says nothing any more, as a process on a node that hangs."""

    def mine(self, size: int) -> Tensor:
        os.kill(os.getpid(), signal.SIGSTOP)
        return super().mine(size)


class FreezingInAPair(Trial):
    """The same after the sums."""

    def mine(self, size: int) -> Tensor:
        if size == 1 << 18:
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().mine(size)


class Ahead(Trial):
    """On a node whose clock is 5 s ahead."""

    def run(self):  # type: ignore[no-untyped-def]
        true = time.time
        time.time = lambda: true() + 5
        return super().run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_folder(tmp_path / "run")


def test_sound_nodes_are_told_in_one_line_and_all_figures_are_kept(tmp_path: Path, folder: Path) -> None:
    outcomes = check(tmp_path, [Place(node, folder) for node in "aabc"])
    assert len({outcome.line for outcome in outcomes}) == 1
    line = outcomes[0].line or ""
    assert re.match(r"preflight: 3 nodes, slowest pair [\d,.]+ MB/s \((a|b) - (b|c)\), delay up to [\d.]+ ms, ", line)
    assert not any(outcome.log for outcome in outcomes[1:])
    kept = json.loads((folder / "preflight.json").read_text())
    assert all(" slow" in warning for warning in kept["warnings"]), "which a busy machine may be"
    assert [(node["name"], node["rank"]) for node in kept["nodes"]] == [("a", 0), ("b", 2), ("c", 3)]
    links = {rank: sorted(report["network"]["links"]) for rank, report in kept["reports"].items()}
    assert links == {"0": ["2", "3"], "2": ["0", "3"], "3": ["0", "2"]}
    assert {path.name for path in folder.iterdir()} == {"run.yaml", "preflight.json"}


def test_nodes_are_looked_at_once_and_again_when_another_has_joined(tmp_path: Path, folder: Path) -> None:
    looked_at = [check(tmp_path, [Place(node, folder) for node in nodes])[0].line for nodes in ("ab", "ba", "a", "ac")]
    assert [line is not None for line in looked_at] == [True, False, False, True]


def test_a_worker_that_is_alone_looks_at_its_node(tmp_path: Path, folder: Path) -> None:
    outcome = check(tmp_path, [Place("a", folder)])[0]
    assert re.fullmatch(r"preflight: 1 node, storage writes in \d+ ms; [\d.]+ s", outcome.line or "")


def test_a_node_that_sends_a_wrong_number_is_named(tmp_path: Path, folder: Path) -> None:
    outcomes = check(tmp_path, [Place("a", folder), Place("b", folder, Lying), Place("c", folder)])
    error = "Unfit: preflight: wrong numbers come from node b; take it out of the cluster"
    assert [outcome.error for outcome in outcomes] == [error] * 3
    assert not (folder / "preflight.json").exists()


@pytest.mark.parametrize("kind", [FreezingInAPair, pytest.param(Freezing, marks=pytest.mark.slow)])
def test_a_node_that_does_not_answer_is_named_in_bounded_time(tmp_path: Path, folder: Path, kind: type[Trial]) -> None:
    outcomes = check(tmp_path, [Place("a", folder), Place("b", folder), Place("c", folder, kind)], 2, frozen=[2])
    error = "Unfit: preflight: node c does not answer: worker 2 told nothing in time, while the network was tested"
    assert [outcome.error for outcome in outcomes[:2]] == [error] * 2
    assert all(outcome.seconds < 2 + 3 * 5 for outcome in outcomes)


def test_a_node_that_is_slow_is_named_with_figures_for_all(tmp_path: Path, folder: Path) -> None:
    outcomes = check(tmp_path, [Place("a", folder), Place("b", folder), Place("c", folder, Dawdling)])
    assert all(outcome.line for outcome in outcomes)
    found = re.search(
        r"node c is slow: ([\d.]+) MB/s at best with any other; usual here: ([\d,]+) MB/s", outcomes[0].log
    )
    assert found, outcomes[0].log
    assert [row.split()[0] for row in outcomes[0].log.splitlines()[-4:]] == ["node", "a", "b", "c"]
    assert outcomes[1].log == outcomes[2].log == ""


def test_a_clock_that_is_wrong_is_named(tmp_path: Path, folder: Path) -> None:
    outcomes = check(tmp_path, [Place("a", folder, Ahead), Place("b", folder), Place("c", folder)])
    assert "node a: its clock is 5.0 s ahead of most others'; let NTP set it" in outcomes[0].log
    assert "clocks within 5.00 s" in (outcomes[0].line or "")


def test_a_node_whose_folder_is_another_one_is_named(tmp_path: Path, folder: Path) -> None:
    outcomes = check(tmp_path, [Place("a", folder), Place("b", tmp_path / "not-mounted")])
    for outcome, seen in zip(outcomes, (folder, tmp_path / "not-mounted"), strict=True):
        assert outcome.error == (
            f"StorageError: {seen}: node b has another folder there, without the run.yaml that the driver wrote; "
            "mount one volume there on every node, or use an object store"
        )


@pytest.mark.slow
def test_a_node_that_sees_old_files_only_is_named(tmp_path: Path, folder: Path) -> None:
    copied = new_folder(tmp_path / "copied")
    outcomes = check(tmp_path, [Place("a", folder), Place("b", copied)])
    assert "node b does not see what node a writes; mount one volume" in (outcomes[0].error or "")


def test_a_node_that_cannot_write_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").touch()
    outcomes = check(tmp_path, [Place("a", folder), Place("b", tmp_path / "file" / "run")])
    assert "node b: " in (outcomes[0].error or "")
    assert re.match(
        r"StorageError: .+/file/run/\.preflight/.+ cannot be written: .+ \(node b\)", outcomes[1].error or ""
    )


@pytest.mark.slow
def test_a_storage_that_never_answers_holds_nobody_up(tmp_path: Path, folder: Path) -> None:
    """A pipe in the place of the record: whoever reads it waits for ever."""
    os.mkfifo(folder / "preflight.json")
    outcomes = check(tmp_path, [Place("a", folder), Place("b", folder)])
    assert all(outcome.line for outcome in outcomes)
    assert all(outcome.seconds < 30 for outcome in outcomes)
    assert (folder / "preflight.json").is_file()
