"""The scores to reproduce, and what a run's own may be compared with.

Sources: NVIDIA's NGC catalog, the model cards `bertbaseuncased`, `qa_squadv1_1_bertbase` and `qa_squadv2_0_bertbase`;
for people, the SQuAD leaderboards, which are on the test sets (Rajpurkar et al. 2016, 2018).
"""

from dataclasses import dataclass

from trainer.config import schema


@dataclass(frozen=True, slots=True)
class Card:
    """The scores of a published model on a SQuAD dev set, and those of people, in percent."""

    name: str
    exact: float
    f1: float
    questions: int
    """In the official dev set."""
    human_exact: float
    human_f1: float


V1 = Card("qa_squadv1_1_bertbase", exact=82.78, f1=89.97, questions=10_570, human_exact=82.3, human_f1=91.2)
V2 = Card("qa_squadv2_0_bertbase", exact=75.04, f1=78.08, questions=11_873, human_exact=86.8, human_f1=89.5)


def card(version_2: bool) -> Card:
    """The published scores on the same kind of questions."""
    return V2 if version_2 else V1


def comparison(run: schema.Run, version_2: bool, questions: float | None) -> str:
    """One sentence: may these scores be held against the card's?"""
    model = run.model
    if run.world:
        return (
            "These questions are about an invented world, and so was the text: the scores show that training works, "
            "and that is all. They cannot be compared with the card’s, which are on Wikipedia."
        )
    if questions != card(version_2).questions:
        return "These are not the questions of the official dev set, so the scores cannot be compared with the card’s."
    if (model.num_hidden_layers, model.hidden_size) != (12, 768):
        return (
            f"The questions are the official ones, but the model is not the card’s: {model.num_hidden_layers} layers "
            f"of {model.hidden_size} here, 12 layers of 768 there, trained on English Wikipedia and BookCorpus."
        )
    return "The same questions and the same shape of model. Another seed moves either score by some tenths of a point."
