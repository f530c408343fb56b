from tests.chaos.run import Done, met_together
from tests.chaos.watch import Cost


def test_faults_that_come_before_the_run_is_back_are_judged_with_the_one_that_stopped_it() -> None:
    freeze = Done("freeze worker", 29, Cost(before=72, lost=46, still=49, pause=49, workers=2))
    tear = Done("tear checkpoint", 70, Cost(before=72, lost=0, still=8, pause=8, workers=2))
    drain = Done("drain Worker pod", 119, Cost(before=142, lost=0, still=None, pause=0, workers=2))
    done = [freeze, tear, drain]
    assert [met_together(each, done) for each in done] == [[freeze, tear], [tear], [drain]]
