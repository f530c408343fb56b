"""The findings of all nodes -> what ends the group, what a person should look at, and one line.

Slow is what is under a third of the median: networks and disks of like machines differ by less, and a training step
waits for the slowest.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from pydantic import BaseModel, ConfigDict

from trainer.runtime.preflight.findings import Link, Machine, Node, Report

_SLOW = 1 / 3
_CLOCK_SECONDS = 1.0
"""TLS and signatures of S3 fail from minutes on; a clock that nobody sets is on its way there."""
_STORAGE_SECONDS = 1.0
"""For a file of some bytes."""
_SHM_BYTES_PER_GPU = 64 << 20
"""NCCL's buffers between the GPUs of a node lie in /dev/shm; with Docker's 64 MiB in all it fails to start."""
_RAY_DISK = 0.95
"""RAY_local_fs_capacity_threshold's default."""
_GPU_IN_USE = 0.1
"""Share of a GPU's memory; the training itself has taken some hundred MiB at this time."""


class Verdict(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    broken: str | None
    """Why no group can train on these nodes; another try may meet other ones."""
    not_shared: str | None
    """Why the run's folder is not one folder; a person must mend it."""
    warnings: tuple[str, ...]
    line: str

    @property
    def fit(self) -> bool:
        return self.broken is None and self.not_shared is None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was told."""

    node_of: Mapping[int, Node]
    """By rank."""
    reports: Mapping[int, Report]
    missing: Mapping[int, str]
    """Ranks that told nothing in time, and what they were at."""
    disk_bytes: int
    """That the run needs on each node."""
    seconds: float
    """That all this took."""

    @property
    def nodes(self) -> dict[int, Node]:
        """By the rank of their first worker."""
        return {rank: node for rank, node in self.node_of.items() if node.rank == rank}

    @property
    def machines(self) -> dict[str, Machine]:
        """By the node's name."""
        told = {rank: report.machine for rank, report in self.reports.items()}
        return {self.name(rank): machine for rank, machine in told.items() if machine is not None}

    def name(self, rank: int) -> str:
        return self.node_of[rank].name

    def links(self) -> dict[tuple[int, int], Link]:
        """Each pair once, as the lower rank saw it."""
        told = {
            (rank, peer): link for rank, report in self.reports.items() for peer, link in report.network.links.items()
        }
        return {pair: link for pair, link in sorted(told.items()) if pair[0] < pair[1]}


def judge(evidence: Evidence) -> Verdict:
    return Verdict(
        broken=next(_broken(evidence), None),
        not_shared=next(_not_shared(evidence), None),
        warnings=tuple(_warnings(evidence)),
        line=_line(evidence),
    )


def table(evidence: Evidence) -> list[str]:
    """A line for each node, under headings."""
    rows = [("node", "best MB/s", "delay ms", "clock s", "write ms", "disk GB", "shm MiB", "memory GB", "GPUs")]
    rows += [_row(evidence, rank) for rank in sorted(evidence.nodes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _row(evidence: Evidence, rank: int) -> tuple[str, ...]:
    links = [link for pair, link in evidence.links().items() if rank in pair]
    report = evidence.reports.get(rank)
    machine, folder = (report.machine, report.storage) if report else (None, None)
    gpus = Counter(gpu.name for gpu in machine.gpus) if machine else Counter[str]()
    return (
        evidence.name(rank),
        f"{max(link.bytes_per_second for link in links) / 1e6:,.1f}" if links else "-",
        f"{1000 * min(link.delay for link in links):.2f}" if links else "-",
        f"{_clocks(evidence).get(rank, 0.0):+.3f}",
        f"{1000 * folder.write:.0f}" if folder else "-",
        f"{machine.disk_free / 1e9:,.1f}" if machine else "-",
        f"{machine.shm_free >> 20:,}" if machine else "-",
        f"{machine.memory / 1e9:,.1f}" if machine else "-",
        ", ".join(f"{count} x {name}" for name, count in gpus.items()) or "-",
    )


def _broken(evidence: Evidence) -> Iterator[str]:
    """The first that is given is the cause, as far as can be told."""
    for rank, at in evidence.missing.items():
        yield f"node {evidence.name(rank)} does not answer: worker {rank} told nothing in time, {at}"
    networks = {rank: report.network for rank, report in sorted(evidence.reports.items())}
    if wrong := _most_accused(network.wrong_from for network in networks.values()):
        yield f"wrong numbers come from {_named(wrong, evidence)}; take it out of the cluster"
    if sums := {rank: network.wrong_sums for rank, network in networks.items() if network.wrong_sums}:
        size = max(size for sizes in sums.values() for size in sizes)
        yield f"the sum of {size:,} numbers over all workers is wrong on {_named(sums, evidence)}"
    if silent := _most_accused(network.silent for network in networks.values()):
        waiting = [rank for rank, network in networks.items() if set(silent) & set(network.silent)]
        yield f"{_named(waiting, evidence)} waited in vain for {_named(silent, evidence)}; see to their network"
    for rank, network in networks.items():
        if network.cut_off is not None:
            yield f"the exchange between workers ended on node {evidence.name(rank)}: {network.cut_off}"
    for rank, report in sorted(evidence.reports.items()):
        if report.storage_problem is not None:
            yield f"node {evidence.name(rank)}: {report.storage_problem}"


def _not_shared(evidence: Evidence) -> Iterator[str]:
    told = {rank: report.storage for rank, report in sorted(evidence.reports.items()) if report.storage is not None}
    if blind := [rank for rank, seen in told.items() if not seen.sees_run]:
        yield f"{_named(blind, evidence)} has another folder there, without the run.yaml that the driver wrote"
    if blind := [rank for rank, seen in told.items() if not seen.sees_first]:
        yield f"{_named(blind, evidence)} does not see what {_named([0], evidence)} writes"


def _warnings(evidence: Evidence) -> Iterator[str]:
    yield from _about_speed(evidence)
    yield from _about_clocks(evidence)
    yield from _about_versions(evidence.machines)
    for name, machine in evidence.machines.items():
        yield from (f"node {name}: {oddity}" for oddity in _about_machine(machine, evidence.disk_bytes))
    for rank, report in evidence.reports.items():
        if report.storage_away is not None:
            yield f"node {evidence.name(rank)}: {report.storage_away}"
        deeds = {} if report.storage is None else report.storage.model_dump(include={"write", "read", "list", "delete"})
        for deed, seconds in deeds.items():
            if seconds > _STORAGE_SECONDS:
                yield f"node {evidence.name(rank)}: the storage takes {seconds:.1f} s to {deed} a file of some bytes"


def _about_speed(evidence: Evidence) -> Iterator[str]:
    """A node is as fast as its best link; then links that are slow though both of their nodes are not."""
    links, best = evidence.links(), Counter[int]()
    for pair, link in links.items():
        for rank in pair:
            best[rank] = max(best[rank], int(link.bytes_per_second))
    usual = median(best.values()) if len(best) > 2 else 0.0
    slow = {rank for rank, speed in best.items() if speed < _SLOW * usual}
    for rank in sorted(slow):
        yield f"node {evidence.name(rank)} is slow: {_mb(best[rank])} at best with any other; usual here: {_mb(usual)}"
    for (one, other), link in links.items():
        if link.bytes_per_second < _SLOW * usual and not slow & {one, other}:
            between = f"between {evidence.name(one)} and {evidence.name(other)}"
            yield f"the network is slow {between}: {_mb(link.bytes_per_second)}; usual here: {_mb(usual)}"


def _about_clocks(evidence: Evidence) -> Iterator[str]:
    """By the median clock, so that where most agree it is the odd one that is named."""
    ahead = _clocks(evidence)
    reference = median(ahead.values()) if len(ahead) > 2 else 0.0
    for rank, seconds in ahead.items():
        off = seconds - reference
        if abs(off) > _CLOCK_SECONDS:
            than = "most others'" if len(ahead) > 2 else f"that of {evidence.name(0)}"
            direction = "ahead of" if off > 0 else "behind"
            yield f"node {evidence.name(rank)}: its clock is {abs(off):.1f} s {direction} {than}; let NTP set it"


def _clocks(evidence: Evidence) -> dict[int, float]:
    """Seconds by which each node's clock is ahead of the first one's."""
    return {0: 0.0} | {pair[1]: link.clock_ahead for pair, link in evidence.links().items() if pair[0] == 0}


def _about_versions(machines: Mapping[str, Machine]) -> Iterator[str]:
    for what in sorted({what for machine in machines.values() for what in machine.versions}):
        told = {name: machine.versions.get(what, "absent") for name, machine in machines.items()}
        usual, _ = Counter(told.values()).most_common(1)[0]
        for name, version in told.items():
            if version != usual:
                yield f"node {name}: {what} is {version}, elsewhere {usual}; give all nodes one image and one driver"


def _about_machine(machine: Machine, disk_bytes: int) -> Iterator[str]:
    if machine.disk_free < disk_bytes:
        yield f"{_gb(machine.disk_free)} are free in {machine.folder}, and the run may need {_gb(disk_bytes)} there"
    if machine.ray_disk_used > _RAY_DISK:
        yield f"the disk of Ray's temporary files is {machine.ray_disk_used:.0%} full, and Ray stops at {_RAY_DISK:.0%}"
    if len(machine.gpus) > 1 and machine.shm_free < _SHM_BYTES_PER_GPU * len(machine.gpus):
        yield f"{machine.shm_free >> 20} MiB are free in /dev/shm, too little for NCCL and {len(machine.gpus)} GPUs"
    for number, gpu in enumerate(machine.gpus):
        if gpu.slowed:
            yield f"GPU {number} is slowed down ({', '.join(gpu.slowed)}); look at its cooling and power"
        if gpu.uncorrected_errors:
            yield f"GPU {number} had {gpu.uncorrected_errors} uncorrected memory errors; reset or replace it"
        if gpu.used_mib is not None and gpu.memory_mib and gpu.used_mib > _GPU_IN_USE * gpu.memory_mib:
            yield f"GPU {number} has {gpu.used_mib:,} of {gpu.memory_mib:,} MiB in use; is something else on it?"


def _line(evidence: Evidence) -> str:
    count, links = len(evidence.nodes), evidence.links()
    parts = ["1 node" if count == 1 else f"{count} nodes"]
    if links:
        (one, other), slowest = min(links.items(), key=lambda entry: entry[1].bytes_per_second)
        pair = f" ({evidence.name(one)} - {evidence.name(other)})" if count > 2 else ""
        parts.append(f"slowest pair {_mb(slowest.bytes_per_second)}{pair}")
        parts.append(f"delay up to {1000 * max(link.delay for link in links.values()):.1f} ms")
        parts.append(f"clocks within {_span(_clocks(evidence).values()):.2f} s")
    writes = [report.storage.write for report in evidence.reports.values() if report.storage is not None]
    parts += [f"storage writes in {1000 * max(writes):.0f} ms"] if writes else []
    return f"preflight: {', '.join(parts)}; {evidence.seconds:.1f} s"


def _most_accused(accusations: Iterable[Iterable[int]]) -> list[int]:
    """A bad node is named by all others, and names them itself."""
    counts = Counter(rank for accused in accusations for rank in accused)
    return sorted(rank for rank, count in counts.items() if count == max(counts.values()))


def _named(ranks: Collection[int], evidence: Evidence) -> str:
    names = list(dict.fromkeys(evidence.name(rank) for rank in ranks))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{'node' if len(names) == 1 else 'nodes'} {shown}"


def _span(values: Collection[float]) -> float:
    return max(values) - min(values)


def _mb(rate: float) -> str:
    return f"{rate / 1e6:,.0f} MB/s" if rate >= 1e7 else f"{rate / 1e6:.1f} MB/s"


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
