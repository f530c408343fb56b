from pathlib import Path

import pytest
import yaml

from trainer.errors import ConfigError
from trainer.launch.release import Release, planned

VALUES = "worker: {cpu: 1}\nstorage: {secret: s3}\nray_token: {secret: token}\nrun: {storage: s3://bucket/runs}\n"


@pytest.fixture
def values(tmp_path: Path) -> Path:
    file = tmp_path / "values.yaml"
    file.write_text(VALUES)
    return file


def release(values: Path, *overrides: str, workers: int | None = 2) -> Release:
    return planned("quickstart", overrides, [str(values)], workers, "ns")


def test_a_release_renders_to_the_same_text_each_time(values: Path) -> None:
    text = release(values).manifest()
    assert release(values).manifest() == text
    job = next(each for each in yaml.safe_load_all(text) if each["kind"] == "PyTorchJob")
    assert job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] == 2


def test_a_rendering_that_would_make_up_a_token_is_refused(values: Path) -> None:
    values.write_text(VALUES.replace("ray_token: {secret: token}\n", ""))
    with pytest.raises(ConfigError, match=r"ray_token\.secret: not set, .* name a Secret"):
        release(values).manifest()


def test_overrides_lie_over_the_files_and_these_over_the_run(values: Path) -> None:
    assert release(values).values["run"]["storage"] == "s3://bucket/runs"
    assert release(values, "storage=s3://other/runs").values["run"]["storage"] == "s3://other/runs"
    assert release(values, "name=mine").name == "mine"
    assert release(values, "pretrain.max_steps=7").values["run"]["pretrain"][0]["max_steps"] == 7


def test_a_later_file_lies_over_an_earlier_one(values: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.yaml"
    later.write_text("storage: {claim: disk}\nworkers: 3\n")
    found = planned("quickstart", (), [str(values), str(later)], None, "ns").values
    assert found["storage"] == {"secret": "s3", "claim": "disk"}
    assert found["workers"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("worker: {cpu: x}", r"^worker\.cpu: 'x' is not allowed; see its comment in charts/berth/values\.yaml$"),
        ("worker: {cpus: 1}", r"^worker\.cpus: no such value; "),
        ("image: 3", r"^image: 3 is not allowed; "),
        ("run: {pretrian: {}}", r"^pretrian: no such setting; did you mean pretrain\?$"),
        ("- 1", r"values\.yaml: not a mapping of values; "),
        ("a: [", r"values\.yaml, line 1, column 5: not YAML: .*; mend the file$"),
    ],
)
def test_a_wrong_value_is_named_with_its_field(values: Path, text: str, said: str) -> None:
    values.write_text(text)
    with pytest.raises(ConfigError, match=said):
        release(values)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        planned("quickstart", (), ["absent.yaml"], None, "ns")


def test_what_the_chart_refuses_names_the_place_first(values: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        release(values, workers=3).objects()
    assert caught.value.where == "workers"
    assert caught.value.remedy == "change one of them"
