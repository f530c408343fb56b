"""What a SQuAD stage leaves beside its weights: the official files of predictions, and all answers for the report.

In: the questions and the predictions. Out: predictions.json and nbest_predictions.json; for v2.0 null_odds.json, the
na_prob.json that the official script takes as `--na-prob-file`, and thresholds.json, the scores at the two thresholds
that are best on these questions; and answers.json (`tracking.answers`).
"""

import json
from typing import Any

from trainer import storage
from trainer.squad import metrics, thresholds
from trainer.squad.answers import Predictions
from trainer.squad.examples import Dataset, Example
from trainer.tracking.answers import Answer, Answers, Candidate, Gold, Paragraph

N_BEST = 3
"""So many of the n best answers are in answers.json; all of them are in nbest_predictions.json."""


def write(folder: str, dataset: Dataset, predictions: Predictions) -> None:
    """Write the files of a stage into its folder.

    Raises:
        StorageError: the folder cannot be written.
    """
    files: dict[str, Any] = {
        "predictions.json": predictions.answers,
        "nbest_predictions.json": predictions.n_best,
    }
    if dataset.version_2:
        files["null_odds.json"] = predictions.null_odds
        files["na_prob.json"] = predictions.na_probs
        files["thresholds.json"] = thresholds.curve(dataset, predictions.spans, predictions.null_odds).tables()
    for name, content in files.items():
        storage.write_text(storage.join(folder, name), json.dumps(content, ensure_ascii=False, indent=1))
    storage.write_text(storage.join(folder, "answers.json"), answers_of(dataset, predictions).model_dump_json())


def answers_of(dataset: Dataset, predictions: Predictions) -> Answers:
    """The answers to all questions with their scores; neighbouring questions about one context share its text."""
    scores = metrics.score(dataset, predictions.answers)
    paragraphs: list[Paragraph] = []
    answers: list[Answer] = []
    for example in dataset.examples:
        paragraph = Paragraph(title=example.title, context=example.context)
        if not paragraphs or paragraphs[-1] != paragraph:
            paragraphs.append(paragraph)
        answers.append(
            Answer(
                id=example.id,
                paragraph=len(paragraphs) - 1,
                question=example.question,
                gold=tuple(Gold(text=answer.text, start=answer.start) for answer in example.answers),
                prediction=predictions.answers[example.id],
                exact=bool(scores[example.id].exact),
                f1=scores[example.id].f1,
                n_best=_n_best(example, predictions),
                null_odds=predictions.null_odds.get(example.id),
            )
        )
    return Answers(paragraphs=tuple(paragraphs), answers=tuple(answers))


def _n_best(example: Example, predictions: Predictions) -> tuple[Candidate, ...]:
    """The first of the n best, and the one that was given where a threshold chose another."""
    candidates = predictions.n_best[example.id]
    given = [index for index, each in enumerate(candidates) if each["text"] == predictions.answers[example.id]]
    kept = sorted({*range(min(N_BEST, len(candidates))), *given[:1]})
    return tuple(Candidate(text=candidates[n]["text"], probability=candidates[n]["probability"]) for n in kept)
