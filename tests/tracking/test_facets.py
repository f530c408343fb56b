"""By what answers are told apart."""

import pytest

from trainer.tracking.answers import Answer, Answers, Gold, Paragraph
from trainer.tracking.facets import kinds, outcomes, question_type, tallies


def answer(question: str, gold: str, prediction: str, *, f1: float, paragraph: int = 0) -> Answer:
    golds = (Gold(text=gold, start=0),) if gold else ()
    exact = gold == prediction
    return Answer(
        id=question, paragraph=paragraph, question=question, gold=golds, prediction=prediction, exact=exact, f1=f1
    )


ANSWERS = Answers(
    paragraphs=(Paragraph(title="Super_Bowl", context="a b c"), Paragraph(title="", context="word " * 81)),
    answers=(
        answer("Who won?", "Denver", "Denver", f1=1),
        answer("Who lost?", "the Panthers of Carolina", "Panthers", f1=0.5),
        answer("When?", "", "1967", f1=0, paragraph=1),
        answer("When did it end?", "1967", "", f1=0, paragraph=1),
    ),
)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who founded it?", "who"),
        ("By whom was it founded?", "who"),
        ("Whose mill is it?", "who"),
        ("In what year did it end, and why?", "what"),
        ("How   many people live there?", "how many"),
        ("How much is it?", "how many"),
        ("HOW LONG is it?", "how"),
        ("Somehow it ended?", "other"),
        ("Name the mayor.", "other"),
        ("Wer ist das?", "other"),
    ],
)
def test_the_first_question_word_is_the_type(question: str, kind: str) -> None:
    assert question_type(question) == kind


def test_every_answer_has_one_option_of_each_facet() -> None:
    found = {
        facet.label: [facet.options[value] for value in facet.values] for facet in outcomes(ANSWERS) + kinds(ANSWERS)
    }
    assert found == {
        "Verdict": ["right", "wrong", "wrong", "wrong"],
        "F1": ["100", "50 to 99", "0", "0"],
        "Answered": ["an answer", "an answer", "an answer", "no answer"],
        "Expected": ["an answer", "an answer", "no answer", "an answer"],
        "Question type": ["who", "who", "when", "when"],
        "Answer length": ["1 word", "4 to 6 words", "no answer", "1 word"],
        "Text length": ["1 to 80 words", "1 to 80 words", "81 to 110 words", "81 to 110 words"],
        "Article": ["Super Bowl", "Super Bowl", "without a title", "without a title"],
    }  # all questions are of one length, so there is no facet for it


def test_tallies_are_the_means_of_each_option() -> None:
    kind = next(facet for facet in kinds(ANSWERS) if facet.label == "Question type")
    rows = [(row.option, row.count, row.exact, row.f1) for row in tallies(kind, ANSWERS)]
    assert rows == [("who", 2, 50, 75), ("when", 2, 0, 0)]
