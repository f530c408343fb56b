import io

from rich.console import Console

from trainer.runtime import scores
from trainer.tracking.trials import Estimate, Rate, Sweep


def shown(metrics: dict[str, float], kind: str) -> str:
    output = io.StringIO()
    result = {"kind": kind, "steps": 1200, "seconds": 125.4, "metrics": metrics}
    Console(file=output, width=120).print(scores.table({"stage": result}))
    return output.getvalue()


def test_pretraining_shows_what_was_held_out() -> None:
    text = shown({"eval/mlm_loss": 2.5, "eval/mlm_accuracy": 0.512, "eval/nsp_accuracy": 0.84}, "pretrain")
    assert "held out: MLM loss 2.500, accuracy 51.2%, NSP accuracy 84.0%" in text
    assert "1,200" in text
    assert "2:05" in text


def test_a_run_without_held_out_documents_says_so() -> None:
    assert "nothing held out" in shown({}, "pretrain")


def test_squad_stands_beside_the_card_of_its_version() -> None:
    first = shown({"squad/exact": 80.0, "squad/f1": 88.5}, "squad")
    assert "EM 80.00  F1 88.50" in first
    assert "EM 82.78  F1 89.97" in first
    answerable = {"squad/HasAns_exact": 70.0, "squad/NoAns_exact": 75.0}
    second = shown({"squad/exact": 72.5, "squad/f1": 76.0} | answerable, "squad")
    assert "EM 75.04  F1 78.08" in second
    assert "answerable EM 70.00, no answer 75.00 %" in second


def test_trials_are_summed_up_for_each_learning_rate() -> None:
    exact = Estimate(mean=80.5, deviation=0.25, best=80.75, low=79.5, high=81.5)
    f1 = Estimate(mean=88.5, deviation=None, best=88.5, low=87.5, high=89.5)
    rate = Rate(learning_rate=3e-5, seeds=(0, 1, 2), best="squad.3e-5.seed-1", exact=exact, f1=f1)
    output = io.StringIO()
    sweep = Sweep(stage="squad", version_2=False, questions=10570, resamples=2000, rates=(rate,))
    Console(file=output, width=140).print(scores.sweep_table(sweep))
    for text in ("10,570 questions", "80.50 ± 0.25 [79.50, 81.50]", "88.50 [87.50, 89.50]", "squad.3e-5.seed-1"):
        assert text in output.getvalue()
