"""The replay of a step beside torch's own account of a tiny one; `tests.benchmarks.memory_plan` does twelve."""

import pytest

from tests.benchmarks.memory_plan import Case, measured, planned

CASES = (
    Case(2, 128, 2, 256, 8, vocab=512, kind="mlm+nsp"),
    Case(2, 128, 2, 128, 16, vocab=512, kind="squad", precision="fp32"),
)


@pytest.mark.parametrize("case", CASES)
def test_a_step_needs_what_was_planned(case: Case) -> None:
    assert sum(planned(case).values()) == pytest.approx(measured(case), rel=0.03)


def test_activations_grow_with_the_micro_batch_and_weights_do_not() -> None:
    one, two = (planned(Case(2, 128, 2, 256, rows, vocab=512)) for rows in (64, 128))

    assert two["activations"] == 2 * one["activations"]
    assert two["weights, fp32"] == one["weights, fp32"]
