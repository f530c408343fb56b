"""An instance -> what the model sees and what it has to guess: BERT's 80/10/10 masking, drawn anew in every epoch.

Only the masked positions and their labels come out, not a label for every token: the masked-LM head sees nothing else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.vocab import SpecialIds


class Masked(NamedTuple):
    """Masked ids (L,), the positions (P,) to predict in rising order, and the true ids (P,) there."""

    input_ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    labels: NDArray[np.int32]


class Masking:
    """Devlin et al. 2019, appendix A.1, for one vocabulary.

    Of the L tokens of an instance, special pieces counted, min(max_predictions, max(1, round(probability L))) are
    predicted; special pieces never are, [UNK] included. 80 % of them become [MASK], 10 % a random piece that is not
    special, 10 % stay.
    """

    def __init__(self, special: SpecialIds, vocab_size: int, probability: float, max_predictions: int) -> None:
        self._mask_id = special.mask
        self._probability = probability
        self._max_predictions = max_predictions
        self._is_ordinary = np.ones(vocab_size, np.bool_)
        self._is_ordinary[list(special)] = False
        self._ordinary_ids = np.flatnonzero(self._is_ordinary).astype(np.int32)

    def __call__(self, input_ids: NDArray[np.int32], rng: np.random.Generator) -> Masked:
        candidates = np.flatnonzero(self._is_ordinary[input_ids])
        count = min(self._max_predictions, max(1, round(input_ids.size * self._probability)))
        positions = np.sort(rng.permutation(candidates)[:count]).astype(np.int32)
        labels = input_ids[positions]
        fate = rng.random(positions.size)
        random_ids = rng.choice(self._ordinary_ids, positions.size)
        masked = input_ids.copy()
        masked[positions] = np.where(fate < 0.8, self._mask_id, np.where(fate < 0.9, random_ids, labels))
        return Masked(masked, positions, labels)
