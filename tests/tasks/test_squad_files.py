"""What a SQuAD stage leaves behind, from the predictions."""

import json
from pathlib import Path

from trainer.squad.answers import Candidate, Predictions
from trainer.squad.examples import Answer, Dataset, Example
from trainer.tasks import squad_files
from trainer.tracking.answers import Answers

CONTEXTS = ("Marta Holm founded Orvale.", "Ingrid Vale is the mayor of “Orvale”.")


def example(id: str, context: str, gold: str = "") -> Example:
    answers = (Answer(gold, context.index(gold)),) if gold else ()
    return Example(id, "Orvale", f"Question {id}?", context, answers)


def candidates(*texts: str) -> list[Candidate]:
    probabilities = [0.4, 0.3, 0.2, 0.06, 0.04]
    return [
        Candidate(text=text, probability=probability, start_logit=0.0, end_logit=0.0)
        for text, probability in zip(texts, probabilities, strict=False)
    ]


EXAMPLES = [example("a", CONTEXTS[0], "Marta Holm"), example("b", CONTEXTS[0]), example("c", CONTEXTS[1], "mayor")]
N_BEST = {
    "a": candidates("Marta", "Holm", "Orvale", "founded"),
    "b": candidates("Orvale", "Holm", "Marta", "founded", ""),
    "c": candidates("mayor"),
}
SPANS = {"a": "Marta", "b": "Orvale", "c": "mayor"}
PREDICTIONS = Predictions(SPANS | {"b": ""}, N_BEST, {"a": -2.0, "b": 1.5, "c": -3.0}, SPANS)


def test_every_answer_is_there_with_its_scores_and_each_context_once(tmp_path: Path) -> None:
    squad_files.write(str(tmp_path), Dataset(True, EXAMPLES), PREDICTIONS)
    found = Answers.model_validate_json((tmp_path / "answers.json").read_bytes())
    assert [paragraph.context for paragraph in found.paragraphs] == list(CONTEXTS)
    assert [(each.id, each.paragraph, each.exact) for each in found.answers] == [
        ("a", 0, False),
        ("b", 0, True),
        ("c", 1, True),
    ]
    first = found.answers[0]
    assert (first.prediction, round(first.f1, 3), first.null_odds) == ("Marta", 0.667, -2.0)
    assert (first.gold[0].text, first.gold[0].start) == ("Marta Holm", 0)


def test_the_answer_that_was_given_is_among_the_candidates_with_its_probability() -> None:
    [first, second, third] = squad_files.answers_of(Dataset(True, EXAMPLES), PREDICTIONS).answers
    assert [each.text for each in first.n_best] == ["Marta", "Holm", "Orvale"]
    assert [each.text for each in second.n_best] == ["Orvale", "Holm", "Marta", ""]
    assert [each.probability for each in (first, second, third)] == [0.4, 0.04, 0.4]


def test_null_odds_are_written_only_where_questions_may_have_no_answer(tmp_path: Path) -> None:
    squad_files.write(str(tmp_path / "v2"), Dataset(True, EXAMPLES), PREDICTIONS)
    squad_files.write(str(tmp_path / "v1"), Dataset(False, EXAMPLES[:1]), PREDICTIONS)
    assert json.loads((tmp_path / "v2" / "null_odds.json").read_text()) == PREDICTIONS.null_odds
    assert json.loads((tmp_path / "v2" / "nbest_predictions.json").read_text()) == PREDICTIONS.n_best
    assert json.loads((tmp_path / "v2" / "predictions.json").read_text()) == PREDICTIONS.answers
    assert not (tmp_path / "v1" / "null_odds.json").exists()
