"""All of the preflight, in order; every worker of a group calls it before it trains."""

import contextlib
import logging
import time
import uuid

import torch.distributed as dist
from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.errors import StorageError, StorageUnavailable
from trainer.runtime.preflight import node_facts
from trainer.runtime.preflight.findings import Network, Node, Report, Storage
from trainer.runtime.preflight.meeting import GRACE, Meeting
from trainer.runtime.preflight.needs import disk_bytes
from trainer.runtime.preflight.network import Trial
from trainer.runtime.preflight.storage_probe import Probe, bounded
from trainer.runtime.preflight.verdict import Evidence, Verdict, judge, table

log = logging.getLogger(__name__)

SECONDS = 60.0
"""Who has told nothing after so long does not answer."""


class Unfit(Exception):
    """A node or the network is broken. Not a BerthError, which would end the run: the next group may have other nodes,
    or the network be mended. It counts as a failure, so `limits.max_failures` ends a run whose nodes stay bad.
    """


class _Plan(BaseModel):
    """What the first worker makes of who is there."""

    model_config = ConfigDict(extra="forbid")

    token: str = ""
    """Of this check; empty where these nodes were looked at before."""
    node_of: dict[int, Node] = {}
    """By rank."""
    missing: list[int] = []


class _Passed(BaseModel):
    """preflight.json."""

    model_config = ConfigDict(extra="forbid")

    line: str
    warnings: tuple[str, ...]
    nodes: tuple[Node, ...]
    reports: dict[int, Report]
    """By the rank of a node's first worker."""


class Preflight:
    """One worker's part in the check of a group.

    Args:
        here: the node that this worker is on; its rank is this worker's.
        seconds: who has told nothing after so long does not answer.
        trial: the test of the network.
    """

    def __init__(
        self,
        workers: Workers,
        run: Run,
        folder: RunFolder,
        here: Node,
        *,
        seconds: float = SECONDS,
        trial: type[Trial] = Trial,
    ) -> None:
        self._workers = workers
        self._run = run
        self._folder = folder
        self._here = here
        self._trial = trial
        self._began = time.monotonic()
        group = dist.group.WORLD if workers.world_size > 1 else None
        self._meeting = Meeting(group.get_group_store() if group else None, seconds)
        self._uri = storage.join(folder.uri, "preflight.json")

    def check(self) -> str | None:
        """One line of what was found, the same on all workers; None where these nodes were looked at before. What is
        odd is logged as a warning on the first worker.

        Raises:
            StorageError: the run's folder cannot be used on a node, or is not one folder for all.
            Unfit: a node or the network between nodes is broken.
        """
        rank = self._workers.rank
        self._meeting.tell(f"node/{rank}", self._here.model_dump_json())
        plan = self._plan()
        if plan is None:
            raise Unfit("preflight: worker 0 does not answer")
        if plan.missing:
            raise Unfit(f"preflight: workers do not answer: {', '.join(map(str, plan.missing))}")
        if not plan.token:
            return None
        try:
            report = self._look(plan)
        except StorageError as error:
            self._meeting.tell(f"wrote/{rank}", "nothing")
            self._meeting.tell(
                f"report/{rank}", Report(network=Network(), storage_problem=str(error)).model_dump_json()
            )
            self._agree(plan)
            raise type(error)(error.where, f"{error.problem} (node {self._here.name})", error.remedy) from error
        self._meeting.tell(f"report/{rank}", report.model_dump_json())
        return self._obey(self._agree(plan))

    def _plan(self) -> _Plan | None:
        """What the first worker plans; None where it does not answer."""
        if self._workers.first:
            plan = self._new_plan()
            self._meeting.announce("plan", plan.model_dump_json(), self._others - set(plan.missing))
            return plan
        told = self._meeting.receive("plan", self._workers.rank)
        return None if told is None else _Plan.model_validate_json(told)

    @property
    def _others(self) -> set[int]:
        return set(range(1, self._workers.world_size))

    def _new_plan(self) -> _Plan:
        ranks = range(self._workers.world_size)
        told = self._meeting.hear_all([f"node/{rank}" for rank in ranks])
        missing = [rank for rank in ranks if f"node/{rank}" not in told]
        if missing:
            return _Plan(missing=missing)
        at = {rank: Node.model_validate_json(told[f"node/{rank}"]) for rank in ranks}
        if {node.id for node in at.values()} <= self._known():
            return _Plan()
        first = {node.id: node for node in reversed(at.values())}
        return _Plan(token=uuid.uuid4().hex[:8], node_of={rank: first[node.id] for rank, node in at.items()})

    def _known(self) -> set[str]:
        """The nodes that were looked at before, by this run."""
        try:
            record = bounded(self._uri, lambda: storage.read_bytes(self._uri))
            return {node.id for node in _Passed.model_validate_json(record).nodes}
        except (StorageError, ValidationError):
            return set()  # none yet, or it cannot be read: all is looked at

    def _look(self, plan: _Plan) -> Report:
        """The network on every worker, the node and its storage on the first worker of a node."""
        self._at("while the network was tested")
        nodes = sorted({node.rank for node in plan.node_of.values()})
        workers = self._workers
        network = self._trial(workers.rank, workers.world_size, workers.device, nodes, self._meeting).run()
        if workers.rank not in nodes:
            return Report(network=network)
        self._at("while it looked at its GPUs and disks")
        here = node_facts.look(self._folder.uri)
        self._at(f"while it used {self._folder.uri}")
        try:
            return Report(network=network, machine=here, storage=self._use_storage(plan))
        except StorageUnavailable as error:
            self._meeting.tell(f"wrote/{workers.rank}", "nothing")
            return Report(network=network, machine=here, storage_away=str(error))

    def _use_storage(self, plan: _Plan) -> Storage:
        def meet() -> None:
            self._meeting.tell(f"wrote/{self._workers.rank}", "a file")
            self._meeting.hear("wrote/0")

        probe = Probe(self._folder, plan.token)
        return bounded(probe.uri, lambda: probe.use(plan.node_of[self._workers.rank], meet))

    def _disk_bytes(self) -> int:
        try:
            return bounded(self._folder.uri, lambda: disk_bytes(self._run, self._folder))
        except StorageError:
            return 0  # what is wrong there, the probe tells

    def _at(self, what: str) -> None:
        self._meeting.tell(f"at/{self._workers.rank}", what)

    def _agree(self, plan: _Plan) -> Verdict | None:
        """The verdict, which the first worker finds when all have told; None where it does not answer."""
        if self._workers.first:
            evidence = self._evidence(plan)
            verdict = judge(evidence)
            self._meeting.announce("verdict", verdict.model_dump_json(), self._others - evidence.missing.keys())
            self._keep(plan, evidence, verdict)
            return verdict
        told = self._meeting.receive("verdict", self._workers.rank)
        return None if told is None else Verdict.model_validate_json(told)

    def _evidence(self, plan: _Plan) -> Evidence:
        """Wait for what all have to tell."""
        told = self._meeting.hear_all([f"report/{rank}" for rank in plan.node_of], beyond=GRACE)
        reports = {
            rank: Report.model_validate_json(told[key]) for rank in plan.node_of if (key := f"report/{rank}") in told
        }
        silent = [rank for rank in plan.node_of if rank not in reports]
        at = self._meeting.told(f"at/{rank}" for rank in silent)
        return Evidence(
            node_of=plan.node_of,
            reports=reports,
            missing={rank: at.get(f"at/{rank}", "from the beginning") for rank in silent},
            disk_bytes=self._disk_bytes(),
            seconds=time.monotonic() - self._began,
        )

    def _keep(self, plan: _Plan, evidence: Evidence, verdict: Verdict) -> None:
        """Write down what was found, so that these nodes are not looked at again, and warn of what is odd."""
        if verdict.warnings:
            log.warning("preflight:\n%s", "\n".join([*verdict.warnings, *table(evidence)]))
        nodes = evidence.nodes
        if not verdict.fit or any(evidence.reports[rank].storage is None for rank in nodes):
            return
        passed = _Passed(
            line=verdict.line,
            warnings=verdict.warnings,
            nodes=tuple(nodes.values()),
            reports={rank: evidence.reports[rank] for rank in nodes},
        )
        with contextlib.suppress(StorageUnavailable):  # then they are looked at once more
            bounded(self._uri, lambda: storage.write_text(self._uri, passed.model_dump_json(indent=1)))
            bounded(self._uri, Probe(self._folder, plan.token).clear)

    def _obey(self, verdict: Verdict | None) -> str:
        if verdict is None:
            raise Unfit("preflight: worker 0 does not answer")
        if verdict.broken is not None:
            raise Unfit(f"preflight: {verdict.broken}")
        if verdict.not_shared is not None:
            remedy = "mount one volume there on every node, or use an object store"
            raise StorageError(self._folder.uri, verdict.not_shared, remedy)
        return verdict.line
