import io

from rich.console import Console

from trainer.launch.progress import Progress, read
from trainer.runtime.display import Display


def log_of(*points: tuple[str, int, int, float], said: tuple[str, ...] = ()) -> list[str]:
    """What the trainer's own display writes into a log."""
    output = io.StringIO()
    with Display(Console(file=output, width=80, force_terminal=False)) as display:
        for stage, step, steps, loss in points:
            display.training(
                stage, step, steps, {"train/loss": loss, "train/tokens_per_second": 12345.6, "train/world_size": 4}
            )
        for text in said:
            display.log(text)
    return output.getvalue().splitlines()


def test_what_the_display_writes_is_read() -> None:
    progress = read(["starting workers: 4", *log_of(("pretrain", 1200, 90000, 7.25), said=("checkpoint: step 1000",))])
    assert progress == Progress(
        stage="pretrain", step=1200, steps=90000, loss=7.25, tokens_per_second=12346, workers=4, checkpoint=1000
    )


def test_an_eta_is_read() -> None:
    line = "pretrain     79/6,000  loss 6.347  6,043 tokens/s  ETA 13:20"  # of a run on the tests' cluster
    assert read([line]).eta_seconds == 800
    assert read(["corpus       57/60    ETA 0:03"]).eta_seconds == 3


def test_a_part_of_the_preparation_has_neither_loss_nor_rate() -> None:
    output = io.StringIO()
    with Display(Console(file=output, width=80, force_terminal=False)) as display:
        display.show("corpus", 1, 4)
        display.show("vocabulary of many words", 2, None)
    assert read(output.getvalue().splitlines()[:1]) == Progress(stage="corpus", step=1, steps=4)
    assert read(output.getvalue().splitlines()) == Progress(stage="vocabulary of many words", step=2)


def test_the_newest_stage_counts_and_an_older_one_s_checkpoint_does_not() -> None:
    log = [*log_of(("pretrain", 900, 900, 3.0), said=("checkpoint: step 900",)), *log_of(("squad", 3, 40, 5.5))]
    assert (read(log).stage, read(log).step, read(log).checkpoint) == ("squad", 3, None)


def test_failures_are_counted_and_the_last_is_named() -> None:
    failed = "warning: worker 0 failed (Connection closed by peer); the workers start again from the last checkpoint"
    progress = read(["starting workers: 3", failed, "starting workers: 2", failed])
    assert (progress.failures, progress.workers) == (2, 0)
    assert progress.last_failure == "worker 0 failed (Connection closed by peer)"


def test_what_the_master_waits_for_is_over_when_workers_start() -> None:
    waiting = "waiting for nodes: room for 0 of 1 workers"
    assert read([waiting]).waits_for == waiting
    assert read([waiting, "starting workers: 1"]).waits_for is None


def test_other_lines_are_no_progress() -> None:
    others = [
        "waiting 8 seconds: does the run's driver on tiny-master-0 still live?",
        "preflight: 1 node, storage writes in 19 ms; 1.0 s",
        "report: s3://berth/runs/tiny/report.html",
        "",
    ]
    assert read(others) == Progress()


def test_a_loss_that_is_no_number_is_none_so_that_json_stays_json() -> None:
    assert read(log_of(("pretrain", 1, 9, float("nan")))).loss is None
