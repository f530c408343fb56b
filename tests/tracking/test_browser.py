"""The packed answers hold what the answers do."""

import base64
import gzip
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trainer.tracking.answers import Answer, Answers, Candidate, Gold, Paragraph
from trainer.tracking.browser import packed
from trainer.tracking.facets import outcomes

CONTEXT = "🎉 Marta Holm founded Orvale; Marta Holm led it."


def unpacked(answers: Answers) -> dict[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(packed(answers, outcomes(answers)))))


def texts(data: dict[str, Any], column: str) -> list[list[str]]:
    """What stands at the spans of each answer."""
    spans = zip(data[column]["start"], data[column]["length"], strict=True)
    return [
        [
            data["texts"][start] if length < 0 else data["contexts"][paragraph][start : start + length]
            for _, (start, length) in zip(range(count), spans, strict=False)
        ]
        for paragraph, count in zip(data["paragraph"], data[column]["count"], strict=True)
    ]


def answer(gold: list[tuple[str, int]], prediction: str, *n_best: str) -> Answer:
    return Answer(
        id="id",
        paragraph=0,
        question="Who?",
        gold=tuple(Gold(text=text, start=start) for text, start in gold),
        prediction=prediction,
        exact=False,
        f1=0.12345,
        n_best=tuple(Candidate(text=text, probability=0.25) for text in n_best),
    )


def of(*answers: Answer, context: str = CONTEXT) -> Answers:
    return Answers(paragraphs=(Paragraph(title="Orvale", context=context),), answers=answers)


def test_texts_come_back_from_their_places() -> None:
    golds = [("Marta Holm", 2), ("Holm", 8), ("Marta Holm", 29)]
    data = unpacked(of(answer(golds, "Holm led", "Holm led", "", "not there"), answer([], "", "")))
    assert texts(data, "expected") == [["Marta Holm", "Holm"], []]
    assert texts(data, "given") == [["Holm led"], [""]]
    assert texts(data, "candidates") == [["Holm led", "", "not there"], [""]]
    assert data["texts"] == ["not there"]
    assert data["expected"]["start"] == [29, 8]  # the first is the one to mark, beside the prediction
    assert data["f1"] == [12.35, 12.35]


@given(st.text(min_size=1), st.data())
def test_any_span_of_any_text_comes_back(context: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(context) - 1))
    gold = context[start : data.draw(st.integers(start + 1, len(context)))]
    prediction = data.draw(st.text() | st.just(gold))
    found = unpacked(of(answer([(gold, start)], prediction, prediction), context=context))
    assert texts(found, "expected") == [[gold]]
    assert texts(found, "given") == texts(found, "candidates") == [[prediction]]


def test_the_same_answers_are_packed_alike() -> None:
    answers = of(answer([], "Holm"))
    assert packed(answers, []) == packed(answers, [])
