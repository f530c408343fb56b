"""Which scores may be held against the card's."""

import pytest

from trainer.config import schema
from trainer.tracking.card import card, comparison


def run(**settings: object) -> schema.Run:
    text = {"sources": [{"path": "text"}]}
    return schema.Run.model_validate({"name": "run", "corpus": text, "pretrain": {}} | settings)


def test_the_card_s_scores() -> None:
    assert (card(version_2=False).exact, card(version_2=False).f1) == (82.78, 89.97)
    assert (card(version_2=True).exact, card(version_2=True).f1) == (75.04, 78.08)


def test_the_scores_of_people() -> None:
    assert (card(version_2=False).human_exact, card(version_2=False).human_f1) == (82.3, 91.2)
    assert (card(version_2=True).human_exact, card(version_2=True).human_f1) == (86.8, 89.5)


@pytest.mark.parametrize(
    ("settings", "questions", "said"),
    [
        ({"world": {}}, 10_570, "invented world"),
        ({}, 1_200, "not the questions"),
        ({}, None, "not the questions"),
        ({"model": {"hidden_size": 256, "num_attention_heads": 4}}, 10_570, "12 layers of 256"),
        ({}, 10_570, "The same questions"),
    ],
)
def test_a_run_says_what_its_scores_can_be_compared_with(
    settings: dict[str, object], questions: float | None, said: str
) -> None:
    assert said in comparison(run(**settings), version_2=False, questions=questions)
