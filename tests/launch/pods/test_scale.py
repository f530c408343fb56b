from pathlib import Path

import pytest

from trainer.errors import InputError
from trainer.launch.pods.folder import JobFolder, only
from trainer.launch.pods.rendering import rendered
from trainer.launch.pods.scale import scale


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path))


def workers(folder: JobFolder) -> int:
    return only("PyTorchJob", folder.read())["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"]


def test_another_size_is_written_to_the_objects_and_one_that_cannot_be_is_refused() -> None:
    objects = rendered("quickstart", ("scaling.num_workers=[1, 4]",), (), 3).objects
    folder = JobFolder("quickstart")
    with folder.held(objects):
        assert scale("quickstart", 4) == 4
        assert workers(folder) == 4
        with pytest.raises(
            InputError, match=r"3 workers, which do not divide pretrain\.batch_size 32; scale it to 2 or"
        ):
            scale("quickstart", 3)
        assert workers(folder) == 4
    assert not folder.path.exists()


def test_a_run_that_does_not_run_here_is_not_scaled() -> None:
    with pytest.raises(InputError, match=r"^run quickstart: none of its pods run here; start it with"):
        scale("quickstart", 2)


def test_what_a_killed_command_has_left_is_no_job_and_is_cleared_away() -> None:
    folder = JobFolder("quickstart")
    objects = rendered("quickstart", (), (), 3).objects
    folder.path.mkdir(parents=True)
    folder.write(objects)
    (folder.path / "left").mkdir()
    with pytest.raises(InputError, match="none of its pods run here"):
        folder.read()
    with folder.held(objects):
        assert [each.name for each in folder.path.iterdir()] == ["objects.yaml"]


def test_one_name_runs_once() -> None:
    objects = rendered("quickstart", (), (), 3).objects
    with (
        JobFolder("quickstart").held(objects),
        pytest.raises(InputError, match=r"^run quickstart: its pods run here already; stop them"),
        JobFolder("quickstart").held(objects),
    ):
        pass
