"""Answers marked in their context."""

from hypothesis import given
from hypothesis import strategies as st

from trainer.tracking.answers import Gold
from trainer.tracking.excerpts import MARGIN, WHOLE, Piece, Place, excerpt, places

CONTEXT = "Orvale lies on the Tessen. Marta Holm founded it in 1743; Ingrid Vale is the mayor."


def shown(context: str, gold: list[str], prediction: str) -> list[Piece]:
    golds = [Gold(text=text, start=context.index(text)) for text in gold]
    return excerpt(context, *places(context, golds, prediction))


def marked(pieces: list[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.expected or piece.predicted]


def test_a_right_answer_is_one_piece_that_is_both() -> None:
    assert marked(shown(CONTEXT, ["Marta Holm"], "Marta Holm")) == [Piece("Marta Holm", True, True)]


def test_a_wrong_answer_and_the_expected_one_are_marked_apart() -> None:
    assert marked(shown(CONTEXT, ["Ingrid Vale"], "Marta Holm")) == [
        Piece("Marta Holm", predicted=True),
        Piece("Ingrid Vale", expected=True),
    ]


def test_overlapping_answers_share_the_piece_in_the_middle() -> None:
    assert marked(shown(CONTEXT, ["1743"], "in 1743;")) == [
        Piece("in ", predicted=True),
        Piece("1743", True, True),
        Piece(";", predicted=True),
    ]


def test_no_answer_leaves_the_context_unmarked() -> None:
    assert shown(CONTEXT, [], "") == [Piece(CONTEXT)]


def test_the_prediction_is_looked_for_near_the_expected_answer() -> None:
    context = "glass, then more " + CONTEXT + " It makes glass and more glass."
    pieces = shown(context, ["glass and"], "glass")
    assert [piece.text for piece in marked(pieces)] == ["glass", " and"]


def test_of_several_expected_answers_the_one_like_the_prediction_is_marked() -> None:
    golds = [Gold(text=text, start=CONTEXT.index(text)) for text in ("Orvale", "Marta Holm", "Holm")]
    assert places(CONTEXT, golds, "Marta Holm founded") == (Place(27, 37), Place(27, 45))


def test_where_none_shares_anything_with_the_prediction_the_first_expected_answer_is_marked() -> None:
    golds = [Gold(text=text, start=CONTEXT.index(text)) for text in ("Ingrid Vale", "Marta Holm")]
    assert places(CONTEXT, golds, "Orvale") == (Place(58, 69), Place(0, 6))


def test_a_prediction_that_is_not_in_the_context_leaves_the_first_expected_answer() -> None:
    golds = [Gold(text=text, start=CONTEXT.index(text)) for text in ("Marta Holm", "Orvale")]
    assert places(CONTEXT, golds, "nobody") == (Place(27, 37), Place())


def test_a_long_context_is_cut_between_words() -> None:
    context = f"{'before ' * 200}ANSWER{' after' * 200}"
    pieces = shown(context, ["ANSWER"], "ANSWER")
    text = "".join(piece.text for piece in pieces)
    assert text.startswith("… before ")
    assert text.endswith("after …")
    assert len(text) <= 2 * MARGIN + len("… ANSWER …")


@given(st.text(alphabet="ab .é漢", max_size=3 * WHOLE), st.data())
def test_the_pieces_are_the_context_in_order(context: str, data: st.DataObject) -> None:
    ends = st.integers(0, len(context))
    gold, prediction = (Place(*sorted(data.draw(st.tuples(ends, ends)))) for _ in range(2))
    pieces = excerpt(context, gold, prediction)
    text = "".join(
        piece.text for piece in pieces if piece.text not in ("… ", " …") or piece.expected or piece.predicted
    )
    assert text in context
    for kind, place in (("expected", gold), ("predicted", prediction)):
        assert "".join(piece.text for piece in pieces if getattr(piece, kind)) == context[slice(*place)]
