"""Where a stage changed hands."""

from tests.tracking.test_curves import stage_of
from trainer.tracking.changes import Change, changes
from trainer.tracking.curves import charts


def point(workers: int, restarts: int, rollbacks: int = 0) -> dict[str, float]:
    return {
        "train/loss": 2.0,
        "train/world_size": workers,
        "train/restarts": restarts,
        "train/rollbacks": rollbacks,
    }


HISTORY = {
    10: point(1, 0),
    20: point(3, 1),
    30: point(3, 1),
    40: point(3, 2),
    50: point(1, 4, rollbacks=1),
}


def test_a_resize_a_restart_and_a_rollback_are_told_after_the_last_step_before() -> None:
    assert changes(stage_of(HISTORY)) == [
        Change(10, "from 1 to 3 workers"),
        Change(30, "restarted"),
        Change(40, "from 3 to 1 worker"),
        Change(40, "back to a checkpoint after bad steps"),
    ]


def test_an_undisturbed_stage_has_no_change() -> None:
    assert changes(stage_of({10: point(2, 0), 20: point(2, 0)})) == []
    assert changes(stage_of({})) == []


def test_every_chart_is_marked_there() -> None:
    history = {step: record | {"train/grad_norm": 1.0} for step, record in HISTORY.items()}
    [chart] = charts(stage_of(history), unigram_entropy=None)
    assert chart.svg.count('class="mark"') == 4
