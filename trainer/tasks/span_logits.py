"""Windows of questions and contexts through a model, the part that scoring a file and answering have in common."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.engine.parallel import autocast
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.packing import Packed, pack
from trainer.squad.features import Window

SpanLogits = NDArray[np.float32]
"""(2, L) for a window of L tokens: start and end logits."""


@torch.no_grad()
def span_logits(
    model: BertForQuestionAnswering,
    windows: Sequence[Window],
    batches: Iterable[Sequence[int]],
    device: torch.device,
    precision: str,
) -> list[SpanLogits]:
    """The logits of all windows, in their order.

    Args:
        model: on the device, in eval mode.
        batches: indices of the windows that go through it together; each window is in one of them.
    """
    logits: dict[int, SpanLogits] = {}
    for indices in batches:
        packed = packed_windows([windows[index] for index in indices])
        with autocast(device, precision):
            both = torch.stack(model(packed.to(device))).float().cpu().numpy()
        pieces = np.split(both, packed.cu_seqlens[1:-1].tolist(), axis=1)
        logits |= dict(zip(indices, pieces, strict=True))
    return [logits[index] for index in range(len(windows))]


def packed_windows(windows: Sequence[Window]) -> Packed:
    """The windows end to end."""
    return pack([window.input_ids for window in windows], [window.token_type_ids for window in windows])
