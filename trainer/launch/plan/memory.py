"""The memory of a training step, as a replay of what its tensors do: no fitted number, and no torch.

Each line follows a line of the model or of the loop; `Step` goes through them in their order and a `Ledger` keeps the
peak. Counted are tensors, as torch allocates them. Layers that torch.compile fused keep no more than these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.config import schema
from trainer.config.schema import Pretrain, Squad
from trainer.launch.plan import parameters
from trainer.launch.plan.ledger import Ledger

WIDE = 4
"""Bytes of an fp32 number: weights, gradients, moments, the residual stream and what LayerNorm reads."""

WEIGHTS = "weights, fp32"
GRADIENTS = "gradients, fp32"
MOMENTS = "optimizer state"
COPY = "checkpoint's copy"
CASTS = "weights in bf16"
ACTIVATIONS = "activations"
LOGITS = "logits and their gradient"
PASSING = "passing tensors"
PARTS = (WEIGHTS, GRADIENTS, MOMENTS, COPY, CASTS, ACTIVATIONS, LOGITS, PASSING)

Device = Literal["cpu", "cuda"]

_SCORES = {"cpu": 1 << 20, "cuda": 1 << 26}  # as in trainer.model.cross_entropy
_PROBABILITIES = 1 << 20  # as in trainer.model.split_attention


@dataclass(frozen=True)
class Machine:
    """What a worker computes on."""

    device: Device
    bf16: bool
    """Under autocast."""
    workers: int = 1
    """More than one train with DDP, whose buckets are the gradients and stay."""

    @property
    def narrow(self) -> int:
        """Bytes of what products take and give."""
        return 2 if self.bf16 else WIDE


def of_step(
    model: schema.Model,
    vocab_size: int,
    stage: Pretrain | Squad,
    machine: Machine,
    lengths: Sequence[int],
    masked: int,
    micro_batches: int = 1,
) -> dict[str, int]:
    """Bytes of each part at the peak of a step, on one worker, once a checkpoint was saved.

    Args:
        lengths: tokens of the sequences of one micro batch.
        masked: its tokens that are predicted.
        micro_batches: of the step; gradients are kept from one to the next.
    """
    step = _Step(model, vocab_size, stage, machine, lengths, masked)
    step.rest()
    for number in range(min(micro_batches, 2)):
        step.replay(accumulating=number > 0 or machine.workers > 1)
    return {part: step.ledger.peak[part] for part in PARTS if step.ledger.peak[part]}


class _Step:
    def __init__(
        self,
        model: schema.Model,
        vocab_size: int,
        stage: Pretrain | Squad,
        machine: Machine,
        lengths: Sequence[int],
        masked: int,
    ) -> None:
        self.ledger = Ledger()
        self.model = model
        self.stage = stage
        self.machine = machine
        self.lengths = lengths
        self.masked = masked
        self.vocab_size = vocab_size
        self.counted = parameters.counted(model, vocab_size, stage)
        self.table = vocab_size * model.hidden_size
        """Numbers of the word embeddings."""
        self.wide = WIDE * sum(lengths) * model.hidden_size
        """Bytes of hidden states in fp32: (T, hidden_size)."""
        self.narrow = self.wide * machine.narrow // WIDE
        """Of the same as products take and give them."""
        self.inner = machine.narrow * sum(lengths) * model.intermediate_size
        """Of the feed-forward network's inside."""

    def rest(self) -> None:
        """What lies there between two steps."""
        numbers = sum(self.counted.values())
        self.ledger.take(WEIGHTS, WIDE * numbers)
        self.ledger.take(MOMENTS, 2 * WIDE * numbers)
        if self.machine.device == "cpu":  # of a GPU's state the copy is the host's
            self.ledger.take(COPY, 3 * WIDE * numbers)
        if self.machine.workers > 1:
            self.ledger.take(GRADIENTS, WIDE * numbers)

    def replay(self, *, accumulating: bool) -> None:
        """A micro batch there and back. Gradients are new tensors, or are added to those that are there."""
        self.accumulating = accumulating
        self._embed()
        for _ in range(self.model.num_hidden_layers):
            self._layer()
        if isinstance(self.stage, Squad):
            self._answer()
        else:
            self._predict(self.stage)
        for _ in range(self.model.num_hidden_layers):
            self._layer_back()
        self._embed_back()

    # Forward: what autograd keeps

    def _embed(self) -> None:
        self.ledger.take(ACTIVATIONS, self._norm(self.wide) + self._dropped(self.wide, WIDE))

    def _layer(self) -> None:
        self.ledger.take(CASTS, self._casts(self._matrices()))
        self.ledger.take(ACTIVATIONS, sum(self._kept().values()))

    def _kept(self) -> dict[str, float]:
        """Of one layer, by what keeps it."""
        return {
            "query_key_value": self.narrow,
            "attention": self._attended(),
            "attention.output": 0 if self._shares_attended() else self.narrow,
            "first dropout": self._dropped(self.narrow, self.machine.narrow),
            "attention_norm": self._norm(self.wide),
            "intermediate": self.narrow,
            "gelu": self.inner,
            "output": self.inner,
            "second dropout": self._dropped(self.narrow, self.machine.narrow),
            "output_norm": self._norm(self.wide),
        }

    def _attended(self) -> float:
        """Query, key and value, and what the kernel makes of them; kernels as `choose_kernel` has them."""
        heads = self.model.num_attention_heads
        if self.machine.device == "cpu":  # `split`: one signed probability for each pair of tokens
            return 3 * self.narrow + self.machine.narrow * heads * sum(length**2 for length in self.lengths)
        if self._shares_attended():  # `varlen`: its result and the fp32 logarithm of each row's sum
            return 4 * self.narrow + WIDE * heads * sum(self.lengths)
        padded = max(self.lengths) * len(self.lengths) / sum(self.lengths)  # `padded`: the same, with padding
        return padded * (4 * self.narrow + WIDE * heads * sum(self.lengths))

    def _shares_attended(self) -> bool:
        """Whether the kernel keeps the very tensor that the product after it does."""
        return self.machine == Machine("cuda", True, self.machine.workers) and not (
            self.model.attention_probs_dropout_prob
        )

    def _dropped(self, size: float, width: int) -> float:
        """Our own dropout keeps a number as wide as its input's, torch's on a GPU a byte."""
        if not self.model.hidden_dropout_prob:
            return 0
        return size if self.machine.device == "cpu" else size / width

    def _norm(self, size: float) -> float:
        """LayerNorm keeps its input, and mean and deviation of each token."""
        return size + 2 * WIDE * sum(self.lengths)

    def _matrices(self) -> int:
        return parameters.layer(self.model) - 4 * self.model.hidden_size

    def _casts(self, numbers: float) -> float:
        """Autocast's copies of weights: kept until their backward pass."""
        return 2 * numbers if self.machine.bf16 else 0

    # Heads: forward and back, for nothing comes between

    def _answer(self) -> None:
        """The product with 2 columns keeps the last hidden states; they leave as fp32."""
        self.ledger.take(LOGITS, self.narrow)
        self.ledger.take(PASSING, self.narrow)
        self.ledger.swap(PASSING, self.wide, self.narrow)
        self.ledger.give(LOGITS, self.narrow)

    def _predict(self, stage: Pretrain) -> None:
        """The masked LM's head and `cross_entropy`."""
        width, hidden = self.machine.narrow, self.model.hidden_size
        row = WIDE if self.machine.device == "cuda" else width  # CUDA's autocast lets LayerNorm read fp32
        kept = (3 * width + row) * self.masked * hidden
        scores = width * self.masked * self.vocab_size
        chunk = WIDE * min(self.masked * self.vocab_size, max(self.vocab_size, _SCORES[self.machine.device]))
        if self.machine.bf16 and self.machine.device == "cpu":
            chunk *= 2  # the CPU's softmax widens its input first
        self.ledger.take(PASSING, self.wide)  # the last hidden states, while the head is at work
        self.ledger.take(CASTS, self._casts(self.table + hidden**2))
        self.ledger.take(ACTIVATIONS, kept)
        self.ledger.take(LOGITS, scores)
        self.ledger.give(PASSING, self.wide)
        self.ledger.take(LOGITS, scores)  # the gradient
        self.ledger.take(PASSING, chunk)
        self.ledger.give(PASSING, chunk)
        self.ledger.give(LOGITS, scores)  # the scores themselves
        self.ledger.take(PASSING, width * self.table)  # backward: the gradient of the table, as products give it
        self.ledger.give(LOGITS, scores)
        self.ledger.give(CASTS, self._casts(self.table))
        if self.machine.bf16:
            self.ledger.swap(PASSING, WIDE * self.table, width * self.table)
        # It waits for that of the embeddings, until the very end.
        self.ledger.give(ACTIVATIONS, kept)
        self._gradients(hidden**2)
        self.ledger.take(PASSING, self.wide)  # zeros, where the masked tokens' gradients are put
        if stage.next_sentence_prediction:  # and the same for the first tokens, added to it
            self.ledger.take(PASSING, self.wide)
            self.ledger.give(PASSING, self.wide)

    # Backward: one (T, hidden_size) in fp32 comes in and goes out

    def _layer_back(self) -> None:
        kept, ledger, hidden = self._kept(), self.ledger, self.model.hidden_size
        self._norm_back(kept["output_norm"])
        branch = self._dropout_back(kept["second dropout"])
        ledger.take(PASSING, self.inner)  # the gradient of gelu's result
        self._gradients(hidden * self.model.intermediate_size, then=branch)
        ledger.give(ACTIVATIONS, kept["output"])
        ledger.swap(PASSING, self.inner, self.inner)
        ledger.give(ACTIVATIONS, kept["gelu"])
        ledger.take(PASSING, self.narrow)
        self._gradients(hidden * self.model.intermediate_size, then=self.inner)
        ledger.give(ACTIVATIONS, kept["intermediate"])
        self._add_to_residual()
        self._norm_back(kept["attention_norm"])
        branch = self._dropout_back(kept["first dropout"])
        ledger.take(PASSING, self.narrow)
        self._gradients(hidden**2, then=branch)
        ledger.give(ACTIVATIONS, kept["attention.output"])
        self._attention_back(kept["attention"])
        ledger.take(PASSING, self.narrow)
        self._gradients(3 * hidden**2, then=3 * self.narrow)
        ledger.give(ACTIVATIONS, kept["query_key_value"])
        self._add_to_residual()

    def _norm_back(self, kept: float) -> None:
        self.ledger.swap(PASSING, self.wide, self.wide)
        self.ledger.give(ACTIVATIONS, kept)

    def _dropout_back(self, kept: float) -> float:
        """Bytes of what goes to the branch: none where it is the residual's own gradient."""
        branch = self.narrow if self.machine.bf16 or kept else 0
        self.ledger.take(PASSING, branch)
        if self.machine.bf16 and kept:
            self.ledger.swap(PASSING, branch, branch)
        self.ledger.give(ACTIVATIONS, kept)
        return branch

    def _add_to_residual(self) -> None:
        """The branch's gradient, widened, is added to what waits beside it."""
        if self.machine.bf16:
            self.ledger.swap(PASSING, self.wide, self.narrow)
        self.ledger.give(PASSING, self.wide)

    def _attention_back(self, kept: float) -> None:
        made = 3 * self.narrow
        if self.machine.device == "cpu":
            made += self._group()
        self.ledger.take(PASSING, made)
        self.ledger.give(PASSING, made - 3 * self.narrow + self.narrow)
        self.ledger.give(ACTIVATIONS, kept)

    def _group(self) -> float:
        """What `split_attention` makes of one group: five times its probabilities, and four parts heads first."""
        longest, heads = max(self.lengths), self.model.num_attention_heads
        sequences = min(len(self.lengths), max(1, _PROBABILITIES // (heads * longest**2)))
        probabilities = heads * longest**2
        return sequences * self.machine.narrow * (5 * probabilities + 4 * longest * self.model.hidden_size)

    def _gradients(self, numbers: float, then: float = 0) -> None:
        """A product's weights get their gradient; `then` bytes of what came in from above go."""
        narrow = self.machine.narrow * numbers
        self.ledger.take(PASSING, narrow)
        self.ledger.give(PASSING, then)
        self.ledger.give(CASTS, self._casts(numbers))
        if self.machine.bf16:
            self.ledger.swap(PASSING, WIDE * numbers, narrow)
        self.ledger.give(PASSING, WIDE * numbers)
        if not self.accumulating:
            self.ledger.take(GRADIENTS, WIDE * numbers)

    def _embed_back(self) -> None:
        if self.model.hidden_dropout_prob:
            self.ledger.swap(PASSING, self.wide, self.wide)
        self.ledger.give(ACTIVATIONS, self._dropped(self.wide, WIDE))
        self.ledger.swap(PASSING, self.wide, self.wide)
        self.ledger.give(ACTIVATIONS, self._norm(self.wide))
        self.ledger.take(PASSING, WIDE * self.table)  # added to the head's, if one waits
        self.ledger.give(PASSING, self.wide)
        self.ledger.held[PASSING] = self.ledger.held[CASTS] = 0
        self.ledger.held[GRADIENTS] = WIDE * sum(self.counted.values())
