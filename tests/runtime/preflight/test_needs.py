from pathlib import Path

import pytest

from tests.tasks.conftest import Prepared, prepared
from trainer.config.load import load
from trainer.engine.folder import RunFolder
from trainer.runtime.preflight.needs import disk_bytes
from trainer.runtime.preflight.node_facts import look
from trainer.tasks.pretrain import PretrainTask

__all__ = ["prepared"]


def test_a_run_needs_room_for_the_checkpoints_of_its_stages(prepared: Prepared) -> None:
    run = prepared.run
    model = PretrainTask(run, run.pretrain[0], prepared.folder).model
    checkpoint = 12 * sum(parameter.numel() for parameter in model.parameters())
    stages, kept = 3, run.checkpoint.keep + 1
    assert disk_bytes(run, prepared.folder) == pytest.approx(checkpoint * stages * kept, rel=0.2)


def test_a_corpus_that_lies_elsewhere_is_copied_to_the_node(tmp_path: Path) -> None:
    run = load("bert-base-uncased", (f"storage={tmp_path}",))
    local = disk_bytes(run, RunFolder.of(run))
    remote = disk_bytes(run, RunFolder("memory://runs/base", "/"))
    bert_base = 110_000_000
    assert remote == pytest.approx(2 * 12 * bert_base, rel=0.03), "no corpus yet: what its weights and moments take"
    assert local == remote / 2 * (run.checkpoint.keep + 1) * len(run.stages)


def test_a_node_tells_its_versions_and_its_room(tmp_path: Path) -> None:
    here = look(str(tmp_path))
    assert {"berth", "python", "torch", "ray"} <= here.versions.keys()
    assert here.folder == str(tmp_path)
    assert 0 < here.disk_free < 1 << 60
    assert 1 << 28 < here.memory < 1 << 50
    assert 0 < here.ray_disk_used < 1
