"""A real HTTP server on loopback, read as Prometheus reads it."""

import time
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from trainer.runtime.metrics import Metrics


def scraped(port: int) -> dict[tuple[str, str], float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, sample.labels["stage"]): sample.value for sample in samples}


def test_the_newest_point_of_each_stage_is_told() -> None:
    metrics = Metrics()
    port = metrics.listen(0)
    assert scraped(port) == {}
    metrics.training("pretrain", 10, 500, {"step": 10, "train/loss": 7.0, "train/world_size": 2})
    metrics.training("pretrain", 20, 500, {"step": 20, "train/loss": 6.5, "train/world_size": 3, "eval/mlm_loss": 6.0})
    metrics.training("squad", 1, 30, {"step": 1, "train/loss": 4.0})
    assert scraped(port) == {
        ("berth_steps", "pretrain"): 500,
        ("berth_step", "pretrain"): 20,
        ("berth_train_loss", "pretrain"): 6.5,
        ("berth_train_world_size", "pretrain"): 3,
        ("berth_eval_mlm_loss", "pretrain"): 6.0,
        ("berth_steps", "squad"): 30,
        ("berth_step", "squad"): 1,
        ("berth_train_loss", "squad"): 4.0,
    }


def test_when_the_newest_checkpoint_was_heard_of_is_told() -> None:
    metrics = Metrics()
    port = metrics.listen(0)
    metrics.training("pretrain", 10, 500, {"step": 10})
    assert ("berth_checkpoint_timestamp_seconds", "pretrain") not in scraped(port)
    before = time.time()
    metrics.training("pretrain", 20, 500, {"step": 20, "checkpoint/step": 15})
    first = scraped(port)["berth_checkpoint_timestamp_seconds", "pretrain"]
    assert before <= first <= time.time()
    metrics.training("pretrain", 30, 500, {"step": 30, "checkpoint/step": 15})
    assert scraped(port)["berth_checkpoint_timestamp_seconds", "pretrain"] == first
    metrics.training("pretrain", 40, 500, {"step": 40, "checkpoint/step": 35})
    assert scraped(port)["berth_checkpoint_timestamp_seconds", "pretrain"] > first
