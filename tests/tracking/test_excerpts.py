"""Answers marked in their context."""

from hypothesis import given
from hypothesis import strategies as st

from trainer.tracking.excerpts import MARGIN, WHOLE, Piece, excerpt

CONTEXT = "Orvale lies on the Tessen. Marta Holm founded it in 1743; Ingrid Vale is the mayor."


def marked(pieces: list[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.expected or piece.predicted]


def test_a_right_answer_is_one_piece_that_is_both() -> None:
    assert marked(excerpt(CONTEXT, ["Marta Holm"], "Marta Holm")) == [Piece("Marta Holm", True, True)]


def test_a_wrong_answer_and_the_expected_one_are_marked_apart() -> None:
    assert marked(excerpt(CONTEXT, ["Ingrid Vale"], "Marta Holm")) == [
        Piece("Marta Holm", predicted=True),
        Piece("Ingrid Vale", expected=True),
    ]


def test_overlapping_answers_share_the_piece_in_the_middle() -> None:
    assert marked(excerpt(CONTEXT, ["1743"], "in 1743;")) == [
        Piece("in ", predicted=True),
        Piece("1743", True, True),
        Piece(";", predicted=True),
    ]


def test_no_answer_leaves_the_context_unmarked() -> None:
    assert excerpt(CONTEXT, [], "") == [Piece(CONTEXT)]


def test_the_prediction_is_looked_for_near_the_expected_answer() -> None:
    context = "glass, then more " + CONTEXT + " It makes glass and more glass."
    pieces = excerpt(context, ["glass and"], "glass")
    assert [piece.text for piece in marked(pieces)] == ["glass", " and"]


def test_a_long_context_is_cut_between_words() -> None:
    context = f"{'before ' * 200}ANSWER{' after' * 200}"
    pieces = excerpt(context, ["ANSWER"], "ANSWER")
    text = "".join(piece.text for piece in pieces)
    assert text.startswith("… before ")
    assert text.endswith("after …")
    assert len(text) <= 2 * MARGIN + len("… ANSWER …")


@given(st.text(alphabet="ab .é漢", max_size=3 * WHOLE), st.data())
def test_the_pieces_are_the_context_in_order(context: str, data: st.DataObject) -> None:
    ends = st.integers(0, len(context))
    gold, prediction = ("".join(context[slice(*sorted(data.draw(st.tuples(ends, ends))))]) for _ in range(2))
    pieces = excerpt(context, [gold], prediction)
    text = "".join(
        piece.text for piece in pieces if piece.text not in ("… ", " …") or piece.expected or piece.predicted
    )
    assert text in context
    for kind, answer in (("expected", gold), ("predicted", prediction)):
        assert "".join(piece.text for piece in pieces if getattr(piece, kind)) == answer
