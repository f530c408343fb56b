"""Every setting of a run; those of its corpus and vocabulary stand in `corpus`, those of how it is carried out in
`operation`.

A run is YAML; `load` reads it into `Run`. The laptop, the pod and the Helm chart check values with these very
classes, so a mistake is refused before anything starts. Names of model settings are Hugging Face's; sizes are in
tokens or samples, never in bytes.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from trainer.config.corpus import Corpus, Vocab, refuse_without_vocabulary
from trainer.config.operation import Checkpoints, Limits, Scaling, Tracking
from trainer.config.section import Count, Ratio, Section

_LONGEST_NAME = 40
StageName = Annotated[str, StringConstraints(pattern=rf"^[a-z0-9]([a-z0-9.-]{{0,{_LONGEST_NAME - 2}}}[a-z0-9])?$")]
RunName = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Beta = Annotated[float, Field(ge=0, lt=1)]


class World(Section):
    """An invented world, generated from a seed: articles to pretrain on, questions in SQuAD's formats about towns the
    training never saw.
    """

    seed: int = 0
    """Another seed, another world."""
    towns: Count = 12_000
    """Towns with an article to pretrain on and to ask training questions about."""
    dev_towns: Count = 150
    """Further towns that only the dev questions know."""


class Model(Section):
    """The BERT encoder, in Hugging Face's words. The vocabulary's size is the vocabulary's."""

    hidden_size: Count = 768
    num_hidden_layers: Count = 12
    num_attention_heads: Count = 12
    intermediate_size: Count = 3072
    hidden_dropout_prob: Ratio = 0.1
    attention_probs_dropout_prob: Ratio = 0.1
    max_position_embeddings: Count = 512
    type_vocab_size: Annotated[int, Field(ge=2)] = 2
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02

    @model_validator(mode="after")
    def _heads_divide_hidden_size(self) -> "Model":
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"num_attention_heads {self.num_attention_heads} does not divide hidden_size {self.hidden_size}; "
                f"choose a hidden_size that is a multiple of {self.num_attention_heads}"
            )
        return self


class Optimizer(Section):
    """AdamW (Loshchilov & Hutter 2019) or LAMB (You et al. 2020)."""

    kind: Literal["adamw", "lamb"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """At the schedule's peak."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 1e-6
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Not applied to biases and LayerNorm."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients are scaled down to this global norm."""


class Schedule(Section):
    """The learning rate over the steps of a stage, as a share of its peak."""

    kind: Literal["linear", "polynomial", "trapezoidal"] = "linear"
    """`linear`: down to the final ratio from the end of the warm-up. `polynomial`: (1 - step/steps)^power, not
    counted from the warm-up's end (Google, NVIDIA, NeMo). `trapezoidal`: flat, then down over the last
    `cooldown_ratio`.
    """
    warmup_ratio: Ratio = 0.01
    """Share of the steps in which the rate rises from 0."""
    power: Annotated[float, Field(gt=0)] = 1.0
    """Only `polynomial`: 1 is Google's BERT, 0.5 is NVIDIA's LAMB and NeMo's square root annealing."""
    cooldown_ratio: Ratio = 0.2
    """Only `trapezoidal`."""
    final_ratio: Ratio = 0.0
    """Where the schedule ends, a step after the last."""


class Guard(Section):
    """Steps whose loss or gradient is not finite, or whose gradient is a spike, are not taken."""

    spike_factor: Annotated[float, Field(gt=1)] = 20.0
    """A gradient is a spike if its norm is over so many times the running mean of the good steps' norms."""
    rollback_after: Count = 5
    """After so many bad steps in a row the training goes back to the last checkpoint, and on with other batches."""
    max_rollbacks: Annotated[int, Field(ge=0)] = 2
    """So often without a new checkpoint between them; then the run is given up."""


class Training(Section):
    """What every training stage sets."""

    batch_size: Count
    """Samples in one optimizer step, over all workers."""
    micro_batch_size: Count
    """Samples in one forward pass of one worker; more are accumulated."""
    max_length: Annotated[int, Field(ge=16)]
    """Tokens in a sample, [CLS] and [SEP] included."""
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    guard: Guard = Guard()
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto` is bf16 autocast where the CPU or GPU computes in bf16, else fp32. Weights and optimizer state are
    always fp32.
    """
    compile: bool | Literal["auto"] = "auto"
    """Let torch's compiler fuse the layers; `auto` does on CUDA. It takes a minute at each start and a C compiler (on
    the CPU a C++ compiler), and changes results in the last digits.
    """
    log_every: Count = 10
    """Steps between two points of the curves."""


class Pretrain(Training):
    """Masked LM and next-sentence prediction (Devlin et al. 2019)."""

    kind: ClassVar[Literal["pretrain"]] = "pretrain"
    name: StageName = "pretrain"
    """The stage's folder and W&B run."""
    batch_size: Count = 256
    micro_batch_size: Count = 16
    max_length: Annotated[int, Field(ge=16)] = 512
    max_steps: Count = 1_000_000
    """Optimizer steps."""
    next_sentence_prediction: bool = True
    """Train on pairs of text, half of them random, with BERT's NSP loss beside the masked LM's."""
    mlm_probability: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the tokens to predict; of them 80 % become [MASK], 10 % a random token, 10 % stay."""
    max_predictions: Count = 80
    """At most so many predictions in one sample."""
    whole_word_masking: bool = False
    """Choose whole words to predict, with all of their pieces (Google's BERT of May 2019)."""
    short_sequence_probability: Ratio = 0.1
    """Share of the samples that are cut to a random shorter length."""
    eval_every: Count = 1000
    """Steps between two validation losses; there is one at the end in any case."""


class Squad(Training):
    """Fine-tuning and scoring on a SQuAD file, v1.1 or v2.0 (Rajpurkar et al. 2016, 2018)."""

    kind: ClassVar[Literal["squad"]] = "squad"
    name: StageName
    """The stage's folder and W&B run."""
    train: tuple[str, ...] = ()
    """Files to learn from. Without any, the model is scored as it is."""
    dev: str
    """The file to score on."""
    model: str | None = None
    """A model to start from: whatever `trainer.from_pretrained` opens, with its head if that is for questions. Without
    it: the last pretraining of this run; without one, random weights.
    """
    seed: int | None = None
    """Of the new head, the order and the dropout; without it, the run's."""
    seeds: Count = 1
    """Trials with so many seeds, from the first on. Each is a stage of its own; `trials.json` sums them up."""
    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Trials at each of these in place of `optimizer.learning_rate`, each with all seeds."""
    batch_size: Count = 24
    micro_batch_size: Count = 12
    max_length: Annotated[int, Field(ge=16)] = 384
    epochs: Annotated[float, Field(gt=0)] = 2
    """Passes over the training questions."""
    optimizer: Optimizer = Optimizer(learning_rate=3e-5)
    schedule: Schedule = Schedule(warmup_ratio=0.1)
    doc_stride: Count = 128
    """Tokens from the start of one window of a long context to the start of the next."""
    max_query_length: Count = 64
    """Longer questions are cut to so many tokens."""
    eval_every: Count | None = None
    """Steps between two scorings of `dev` while training. Without it, there is one, at the end."""
    early_stopping_patience: Count | None = None
    """So many scorings in a row without a better F1 end the training; the weights that scored best are the result, also
    where it went to its end. The score on `dev` is then one of several tries, which flatters it.
    """
    n_best: Count = 20
    """Candidates kept for each question."""
    max_answer_length: Count = 30
    """Tokens in the longest answer."""
    null_threshold: Literal["best_exact", "best_f1"] | float = 0.0
    """v2.0: no answer is given where the null score is over the best span's by more than this. `best_exact` or
    `best_f1`: by what is best on `dev`, the official script's way to tune it, which flatters the scores on it a little.
    """

    def trials(self, run_seed: int) -> tuple["Squad", ...]:
        """The stages that this entry stands for: one for each learning rate and seed, in this order.

        Several are named after both, so a sweep may grow and its finished trials stay.
        """
        first = run_seed if self.seed is None else self.seed
        rates = self.learning_rates or (self.optimizer.learning_rate,)
        pairs = [(rate, seed) for rate in rates for seed in range(first, first + self.seeds)]
        return tuple(self._trial(rate, seed, alone=len(pairs) == 1) for rate, seed in pairs)

    def _trial(self, rate: float, seed: int, *, alone: bool) -> "Squad":
        name = self.name if alone else f"{self.name}.{rate:.6g}.seed-{seed}".replace("e-0", "e-")
        optimizer = self.optimizer.model_copy(update={"learning_rate": rate})
        settings = {"name": name, "seed": seed, "optimizer": optimizer, "seeds": 1, "learning_rates": ()}
        return self.model_copy(update=settings)

    @model_validator(mode="after")
    def _there_is_something_to_do(self) -> "Squad":
        if not self.train and (self.seeds > 1 or self.learning_rates):
            raise ValueError("train is empty, so seeds and learning_rates change nothing; set train or remove them")
        if not self.train and self.model is None:
            raise ValueError("train is empty, and there is no model to score; set train, model or both")
        if self.early_stopping_patience is not None and self.eval_every is None:
            raise ValueError("early_stopping_patience counts scorings, and there are none; set eval_every")
        return self

    @model_validator(mode="after")
    def _windows_hold_some_context(self) -> "Squad":
        room = self.max_length - self.max_query_length - 3
        if room < self.doc_stride:
            raise ValueError(
                f"max_length {self.max_length} leaves {room} tokens of context beside a question of "
                f"{self.max_query_length}, less than doc_stride {self.doc_stride}, so text between windows would be "
                "skipped; raise max_length or lower doc_stride"
            )
        return self


def _brings_a_model(stage: Training) -> bool:
    return isinstance(stage, Squad) and stage.model is not None


def _one_or_many(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, dict) else value


class Run(Section):
    """One training run. The stages that are present are executed in order; a finished one is not run again."""

    name: RunName
    """The run's folder below `storage`, the W&B group, the Helm release."""
    storage: str = "runs"
    """An fsspec URI; everything durable lives in `storage`/`name`."""
    seed: int = 0
    """Every random draw is a function of this and of what it is drawn for."""
    world: World | None = None
    """Generate an invented world into `run://world` first."""
    corpus: Corpus | None = None
    vocab: Vocab = Vocab()
    model: Model = Model()
    pretrain: Annotated[
        tuple[Pretrain, ...], BeforeValidator(_one_or_many, json_schema_input_type=Pretrain | tuple[Pretrain, ...])
    ] = ()
    """One stage, or a list of phases, each starting from the weights of the one before."""
    squad: Annotated[tuple[Squad, ...], BeforeValidator(_one_or_many, json_schema_input_type=tuple[Squad, ...])] = ()
    """Each entry is a stage that starts from the pretrained model, not from the entry before it."""
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    checkpoint: Checkpoints = Checkpoints()
    tracking: Tracking = Tracking()

    @property
    def stages(self) -> tuple[Pretrain | Squad, ...]:
        """The training stages in the order in which they run; each trial of a SQuAD entry is one."""
        return (*self.pretrain, *(trial for entry in self.squad for trial in entry.trials(self.seed)))

    def seed_of(self, stage: Training) -> int:
        """The seed of a stage's draws, but for those that make a batch of text."""
        own = stage.seed if isinstance(stage, Squad) else None
        return self.seed if own is None else own

    @model_validator(mode="after")
    def _stages_fit_together(self) -> "Run":
        names = [stage.name for stage in self.stages]
        kinds = {stage.name: stage.kind for stage in self.stages}
        if not names:
            raise ValueError("pretrain is not set, nor is squad, so there is nothing to do; set at least one of them")
        for name in names:
            if names.count(name) > 1 or name in ("world", "corpus", "vocab"):
                raise ValueError(
                    f"{kinds[name]}.name {name!r} is that of two stages, or reserved; give each stage a name of its own"
                )
            if len(name) > _LONGEST_NAME:
                raise ValueError(
                    f"{kinds[name]}.name {name!r} of a trial is over {_LONGEST_NAME} characters; "
                    "give its stage a shorter one"
                )
        if self.pretrain and self.corpus is None:
            raise ValueError("corpus is not set, and pretrain needs text; set corpus.sources or corpus.prepared")
        if self.corpus is not None and self.corpus.prepared is not None and self.vocab != Vocab():
            raise ValueError(
                f"vocab is set, and the corpus at {self.corpus.prepared} brings its own vocabulary; remove one of them"
            )
        if self.corpus is not None:
            refuse_without_vocabulary(self.corpus, self.vocab)
        if self.corpus is None and self.vocab.path is None and any(stage.model is None for stage in self.squad):
            raise ValueError(
                "vocab has no path, and there is no corpus to train a vocabulary on; set vocab.path or corpus.sources"
            )
        return self

    @model_validator(mode="after")
    def _lengths_fit_the_position_table(self) -> "Run":
        for stage in self.stages:
            if stage.max_length > self.model.max_position_embeddings and not _brings_a_model(stage):
                raise ValueError(
                    f"{stage.name}.max_length {stage.max_length} is over model.max_position_embeddings "
                    f"{self.model.max_position_embeddings}; lower max_length or raise max_position_embeddings"
                )
        return self

    @model_validator(mode="after")
    def _some_worker_count_divides_each_batch(self) -> "Run":
        allowed = range(self.scaling.least_workers, self.scaling.most_workers + 1)
        for stage in self.stages:
            if not any(stage.batch_size % workers == 0 for workers in allowed):
                raise ValueError(
                    f"{stage.name}.batch_size {stage.batch_size} is divided by no allowed worker count "
                    f"({allowed.start} to {allowed.stop - 1}); choose a multiple of {allowed.start}"
                )
        return self
