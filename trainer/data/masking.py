"""An instance -> what the model sees and what it has to guess: BERT's 80/10/10 masking, drawn anew in every epoch.

Only the masked positions and their labels come out, not a label for every token: the masked-LM head sees nothing else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.config import schema
from trainer.data.vocab import SpecialIds


class Masked(NamedTuple):
    """Masked ids (L,), the positions (P,) to predict in rising order, and the true ids (P,) there."""

    input_ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    labels: NDArray[np.int32]


class Masking:
    """Devlin et al. 2019, appendix A.1, for one vocabulary.

    Of the L tokens of an instance, special pieces counted, min(max_predictions, max(1, round(mlm_probability L))) are
    predicted; special pieces never are, [UNK] included. 80 % of them become [MASK], 10 % a random piece that is not
    special, 10 % stay.

    With `whole_word_masking` words are chosen in random order, each with all of its pieces; one that would go over
    that number is left out, so there may be a few less (google-research/bert, May 2019). A word is a piece and the
    continuations after it; one that was cut off at the front of a text is a word, too.
    """

    def __init__(self, special: SpecialIds, continues: NDArray[np.bool_], settings: schema.Pretrain) -> None:
        """Note what may be masked.

        Args:
            special: the special pieces' ids.
            continues: (V,) whether a piece goes on with a word, for each id.
            settings: of the stage.
        """
        self._mask_id = special.mask
        self._probability = settings.mlm_probability
        self._max_predictions = settings.max_predictions
        self._whole_words = settings.whole_word_masking
        self._continues = continues
        self._is_ordinary = np.ones(continues.size, np.bool_)
        self._is_ordinary[list(special)] = False
        self._ordinary_ids = np.flatnonzero(self._is_ordinary).astype(np.int32)

    def __call__(self, input_ids: NDArray[np.int32], rng: np.random.Generator) -> Masked:
        """Mask `input_ids` (L,), which stay as they are."""
        candidates = self._is_ordinary[input_ids].nonzero()[0]
        count = min(self._max_predictions, max(1, round(input_ids.size * self._probability)))
        if self._whole_words:
            positions = self._words(input_ids, candidates, count, rng).astype(np.int32)
        else:
            positions = np.sort(rng.permutation(candidates)[:count]).astype(np.int32)
        labels = input_ids[positions]
        fate = rng.random(positions.size)
        random_ids = self._ordinary_ids[rng.integers(self._ordinary_ids.size, size=positions.size)]
        masked = input_ids.copy()
        masked[positions] = np.where(fate < 0.8, self._mask_id, np.where(fate < 0.9, random_ids, labels))
        return Masked(masked, positions, labels)

    def _words(
        self, input_ids: NDArray[np.int32], candidates: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Those of the candidates that are in the words which are chosen."""
        begins = ~self._continues[input_ids[candidates]]
        begins[1:] |= candidates[1:] - candidates[:-1] > 1  # a continuation after a special piece
        begins[:1] = True
        firsts = begins.nonzero()[0]
        sizes = np.append(firsts[1:], candidates.size) - firsts
        order = rng.permutation(firsts.size)
        is_chosen = np.zeros(firsts.size, np.bool_)
        ends = sizes[order].cumsum()
        fitting = int(ends.searchsorted(count, side="right"))
        is_chosen[order[:fitting]] = True
        left = count - (int(ends[fitting - 1]) if fitting else 0)
        for word in order[fitting:].tolist():
            if not left:
                break
            if sizes[word] <= left:
                is_chosen[word] = True
                left -= int(sizes[word])
        return candidates[np.repeat(is_chosen, sizes)]
