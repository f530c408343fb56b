import io

from rich.console import Console

from trainer.runtime import scores


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
