"""The plan of a run: all that `berth plan` tells, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from trainer.compute.gpus import Group
from trainer.config.schema import Pretrain, Run, Squad
from trainer.errors import ConfigError
from trainer.launch.plan import cost, memory, needs, parameters, work
from trainer.launch.plan.calibration import Calibration, Probe, calibrated
from trainer.launch.plan.cost import Estimate
from trainer.launch.plan.memory import Machine
from trainer.launch.plan.needs import Storage
from trainer.launch.plan.work import Work

CONTEXT = 1.5e9
"""Bytes of a GPU that CUDA, cuBLAS and NCCL take: assumed."""
SCATTERED = 0.05
"""Share of a GPU that torch's allocator cannot use, for it lies between tensors: assumed."""
_MOST = 1 << 14
"""Samples of a micro batch; more is not looked for."""


class Memory(BaseModel):
    """Bytes on one worker at the peak of a stage's step, by part."""

    stage: str
    full: dict[str, int]
    """With full samples."""
    expected: dict[str, int]
    """With samples of the expected length."""


class Plan(BaseModel):
    """What `-o json` prints. Fields are added, never renamed."""

    name: str
    workers: int
    vocab_size: int
    parameters: dict[str, dict[str, int]]
    """By stage and part."""
    memory: list[Memory]
    work: list[Work]
    storage: Storage
    estimates: list[Estimate]
    calibration: Calibration | None
    """None: not asked."""
    assumptions: list[str]


@dataclass(frozen=True)
class Question:
    """What is asked about a run beside its settings."""

    groups: Sequence[Group] = ()
    share_of_peak: float = 0.4
    real_share: float | None = None
    corpus_tokens: float | None = None
    prices: Mapping[str, float] = field(default_factory=dict[str, float])
    grams_per_kwh: float | None = None
    probe: Probe | None = None
    """Tries the first stage here."""


def of(run: Run, question: Question) -> Plan:
    """The plan of a run.

    Raises:
        ConfigError: no stage of it trains.
    """
    size = _vocab_size(run)
    todo = work.of_run(run, size, question.real_share)
    if not todo:
        raise ConfigError(run.name, "no stage trains, so there is nothing to plan", "set pretrain, or squad with train")
    names = {each.stage for each in todo}
    stages = [stage for stage in run.stages if stage.name in names]
    return Plan(
        name=run.name,
        workers=run.scaling.most_workers,
        vocab_size=size,
        parameters={stage.name: parameters.counted(run.model, size, stage) for stage in stages},
        memory=[_memory(run, size, stage, question) for stage in stages],
        work=todo,
        storage=needs.storage(run, size, question.corpus_tokens),
        estimates=[_estimate(run, size, stages, todo, group, question) for group in question.groups],
        calibration=calibrated(run.model, size, stages[0], todo, question.probe) if question.probe else None,
        assumptions=_assumptions(run, stages, question),
    )


def largest_micro_batch(run: Run, vocab_size: int, stage: Pretrain | Squad, group: Group) -> int:
    """Full samples that fit on a GPU of the group; 0: not one does."""
    fitting, over = 0, 1
    while over <= _MOST and fits(run, vocab_size, stage, group, over):
        fitting, over = over, 2 * over
    while over - fitting > 1:
        middle = (fitting + over) // 2
        fitting, over = (middle, over) if fits(run, vocab_size, stage, group, middle) else (fitting, middle)
    return fitting


def fits(run: Run, vocab_size: int, stage: Pretrain | Squad, group: Group, samples: int) -> bool:
    """Whether a micro batch of so many full samples fits on a GPU of the group."""
    machine = _machine(stage, "cuda", group.count)
    needed = sum(_peak(run, vocab_size, stage, machine, stage.max_length, samples).values())
    return needed <= group.gpu.memory * (1 - SCATTERED) - CONTEXT


def _memory(run: Run, size: int, stage: Pretrain | Squad, question: Question) -> Memory:
    machine = _machine(stage, "cuda" if run.scaling.gpus_per_worker else "cpu", run.scaling.most_workers)
    expected = max(1, round(stage.max_length * work.share(stage, question.real_share)))
    samples = min(stage.micro_batch_size, -(-stage.batch_size // machine.workers))
    full, likely = (_peak(run, size, stage, machine, length, samples) for length in (stage.max_length, expected))
    return Memory(stage=stage.name, full=full, expected=likely)


def _peak(run: Run, size: int, stage: Pretrain | Squad, machine: Machine, length: int, samples: int) -> dict[str, int]:
    masked = samples * round(work.masked(stage, length))
    micro_batches = -(-stage.batch_size // (samples * machine.workers))
    return memory.of_step(run.model, size, stage, machine, [length] * samples, masked, micro_batches)


def _machine(stage: Pretrain | Squad, device: memory.Device, workers: int) -> Machine:
    """`auto` is bf16 here: on every GPU that is known, and on the CPUs that have it."""
    return Machine(device, stage.precision != "fp32", workers)


def _estimate(
    run: Run,
    size: int,
    stages: Sequence[Pretrain | Squad],
    todo: Sequence[Work],
    group: Group,
    question: Question,
) -> Estimate:
    hours, full_hours = (
        cost.hours(flop, group, question.share_of_peak)
        for flop in (sum(each.real_flop for each in todo), sum(each.flop for each in todo))
    )
    price, grams = question.prices.get(group.gpu.name), question.grams_per_kwh
    counts = {stage.name: sum(parameters.counted(run.model, size, stage).values()) for stage in stages}
    sent = {name: needs.all_reduce(count, group.count) for name, count in counts.items()}
    seconds = {
        each.stage: 3600 * cost.hours(each.real_flop / each.steps, group, question.share_of_peak) for each in todo
    }
    return Estimate(
        gpus=group.gpu.name,
        count=group.count,
        hours=hours,
        full_hours=full_hours,
        gpu_hours=hours * group.count,
        price=None if price is None else price * hours * group.count,
        carbon=None if grams is None else cost.carbon(hours * group.count, group.gpu.watts, grams),
        largest_micro_batch={stage.name: largest_micro_batch(run, size, stage, group) for stage in stages},
        sent_per_step=sent,
        bandwidth={name: needs.bandwidth(sent[name], seconds[name]) for name in sent},
    )


def _vocab_size(run: Run) -> int:
    """As set; a vocabulary that is trained is rounded up to a multiple of 8."""
    return run.vocab.size if run.vocab.path else -(-run.vocab.size // 8) * 8


def _assumptions(run: Run, stages: Sequence[Pretrain | Squad], question: Question) -> list[str]:
    """In words, what a reader has to know to trust the figures."""
    said = [
        "FLOP: 2 for each weight of a product and token, 6 with the backward pass, and attention by length; the masked "
        "LM's head for the predicted tokens only.",
    ]
    if run.pretrain and question.real_share is None:
        said.append("Expected lengths: short samples only. Documents that end early shorten more; see `berth doctor`.")
    if any(isinstance(stage, Squad) for stage in stages):
        said.append("SQuAD: full windows; where a file is not here, the official one's number of them.")
    if any(isinstance(stage, Squad) and stage.model for stage in stages):
        said.append("A SQuAD stage's own model is taken to be of this run's shape.")
    if run.vocab.path or (run.corpus and run.corpus.prepared):
        said.append(f"The vocabulary is taken to have {_vocab_size(run):,} pieces (vocab.size).")
    if any(stage.precision == "auto" for stage in stages):
        said.append("precision auto is taken to be bf16.")
    if question.groups:
        said.append(
            f"Time: {question.share_of_peak:.0%} of the peak of dense bf16 products; evaluation, loading and restarts "
            "are not in it."
        )
        said.append(
            f"Micro batches: {CONTEXT / 1e9:g} GB of a GPU are CUDA's, cuBLAS's and NCCL's, and {SCATTERED:.0%} lies "
            "scattered. Memory was compared with torch's on CPUs only."
        )
    said += [
        f"{stage.name} cannot run on {group.name}: its batch of {stage.batch_size} is no multiple of {group.count}."
        for group in question.groups
        for stage in stages
        if stage.batch_size % group.count
    ]
    if question.grams_per_kwh is not None:
        said.append(f"Carbon: GPUs at full board power, times {cost.PUE:g} for the data centre (PUE).")
    return said
