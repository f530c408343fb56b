"""charts/berth-corpus on real pods: a corpus that many make once, and runs that wait for it or refuse it."""

import os
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import S3
from tests.cluster.kubectl import conditions, get, until
from tests.cluster.release import CORPUS_CHART, SMALL, Release, Values, merged, now
from tests.data.making import files
from trainer.config.schema import World
from trainer.data.world import write_world

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

NewRelease = Callable[..., Release]


@pytest.fixture(scope="module")
def text(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of some text on the object store."""
    folder = tmp_path_factory.mktemp("world")
    write_world(World(towns=400, dev_towns=1), str(folder))
    s3.files().put(str(folder / "articles.txt"), f"{s3.bucket}/text/articles.txt")
    return f"s3://{s3.bucket}/text/articles.txt"


def preparing(on_s3: Values, text: str, storage: str) -> Values:
    """Values of charts/berth-corpus: three parts."""
    prepare = {
        "storage": storage,
        "corpus": {"sources": [{"path": text}], "documents_per_shard": 50, "held_out": 0.05},
        "vocab": {"size": 600},
    }
    shared = {name: on_s3[name] for name in ("image", "storage", "network_policy")}
    return shared | {"parts": 3, "prepare": prepare, "pod": SMALL | {"tmp_size": "1Gi"}}


def training_on(on_s3: Values, corpus: Values) -> Values:
    """Values of charts/berth: a run without text of its own."""
    values = deepcopy(on_s3)
    del values["run"]["world"], values["run"]["vocab"]
    values["run"]["corpus"] = corpus
    return values


def prepared_here(values: Values, s3: S3, folder: Path) -> dict[str, bytes]:
    """What one process on this machine makes of the same text and settings."""
    (folder / "corpus.yaml").write_text(yaml.safe_dump(values["prepare"] | {"storage": str(folder / "made")}))
    command = [sys.executable, "-m", "trainer", "prepare", str(folder / "corpus.yaml")]
    subprocess.run(command, env=os.environ | s3.environment | {"BERTH_PROCESSES": "1"}, check=True, timeout=120)
    return files(folder / "made")


def test_a_run_waits_for_its_corpus_which_three_pods_prepare(
    release: NewRelease, on_s3: Values, s3: S3, text: str, tmp_path: Path
) -> None:
    storage = f"s3://{s3.bucket}/corpora/towns"
    began = now()
    run = release("early").install(training_on(on_s3, {"prepared": storage, "wait_minutes": 8}))
    run.told("waiting for the corpus", began)

    asked_for = preparing(on_s3, text, storage)
    corpus = release("towns", chart=CORPUS_CHART).install(asked_for)
    job = f"job/{corpus.name}"
    until(lambda: conditions(get("-n", run.namespace, job)).get("Complete"), 240, "the corpus", run.namespace)
    assert get("-n", run.namespace, job)["status"]["completedIndexes"] == "0-2"
    folder = f"{s3.bucket}/corpora/towns"
    there = {name.removeprefix(f"{folder}/"): s3.files().cat_file(name) for name in s3.files().find(folder)}
    assert len([name for name in there if name.endswith(".arrow")]) >= 3
    assert there == prepared_here(asked_for, s3, tmp_path)

    assert run.ended(300) == "Succeeded"


def test_a_run_refuses_a_corpus_that_is_not_finished_and_says_how_far_it_is(
    release: NewRelease, on_s3: Values, s3: S3
) -> None:
    run = release("too-early").install(training_on(on_s3, {"prepared": f"s3://{s3.bucket}/corpora/none"}))
    assert run.ended(120) == "Failed"
    assert run.exit_codes()["too-early-master-0"] == 2
    assert f"berth: corpus.prepared: there is no corpus at s3://{s3.bucket}/corpora/none; make it with" in run.log()


def test_bad_text_ends_the_corpus_s_job_at_once(release: NewRelease, on_s3: Values, s3: S3) -> None:
    values = preparing(on_s3, f"s3://{s3.bucket}/text/missing.txt", f"s3://{s3.bucket}/corpora/bad")
    corpus = release("bad-text", chart=CORPUS_CHART).install(merged(values, {"parts": 1}))
    job = until(
        lambda: next((job for job in get("-n", corpus.namespace, "jobs") if conditions(job).get("Failed")), None),
        120,
        "the job fails",
        corpus.namespace,
    )
    reasons = [condition["reason"] for condition in job["status"]["conditions"] if condition["type"] == "Failed"]
    assert reasons == ["PodFailurePolicy"]
