"""How far an optimizer step moves the weights: beside the gradient's norm, what tells a bad learning rate."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Update:
    """Begins with a copy of all weights, made where no activation lives any more; so only where somebody looks."""

    @torch.no_grad()
    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._before = [parameter.clone() for parameter in self._parameters]

    @torch.no_grad()
    def norm(self) -> Tensor:
        """The Euclidean norm of what was added since, over all weights; can be asked once."""
        for before, parameter in zip(self._before, self._parameters, strict=True):
            before.sub_(parameter)
        return nn.utils.get_total_norm(self._before)
