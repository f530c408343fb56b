"""One rank of the worker group: goes through the stages that are not finished and trains each.

Every worker of a new group starts with this function, after a crash or a resize too; what was done is found on storage.
"""

import json
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import ray.train
import torch
from ray.train.torch import get_device

from trainer import storage
from trainer.config.load import fingerprint
from trainer.config.schema import Pretrain, Run, Squad
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.folder import RunFolder
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers, compiles
from trainer.engine.state import Record, State
from trainer.engine.task import Task
from trainer.errors import BerthError
from trainer.model.pretrained import save_pretrained
from trainer.runtime import machine, stage_artifacts
from trainer.runtime.heartbeat import Pulse
from trainer.runtime.notice_board import BoardHandle, BoardHandler, BoardTracker, Failure, Note, StopSign
from trainer.runtime.preflight.check import Preflight
from trainer.runtime.preflight.findings import Node
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask
from trainer.tracking.origin import origin
from trainer.tracking.stages import read_answers
from trainer.tracking.tracker import Outcome, Reference, Trackers
from trainer.tracking.wandb_tracker import WandbTracker

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the driver hands to every worker."""

    run: Run
    folder: RunFolder
    board: BoardHandle
    restarts: int = 0
    """Groups of workers there were before this one."""
    failure: str = ""
    """What the last one failed of, if it failed."""

    def patiently(self, act: Callable[[], T]) -> T:
        """`storage.patiently` as long as the run says."""
        return storage.patiently(act, self.run.checkpoint.patience_minutes)


def work(assignment: Assignment) -> None:
    """Train all unfinished stages, or stop early when the board says so."""
    board = assignment.board
    torch.set_num_threads(assignment.run.scaling.cpus_per_worker)
    context = ray.train.get_context()
    pulse = Pulse(board.give.remote, rank=context.get_world_rank(), node=ray.get_runtime_context().get_node_id())
    workers = Workers(get_device())
    if workers.first:
        told = logging.getLogger("trainer")
        told.setLevel(logging.INFO)
        told.addHandler(BoardHandler(board))
    if ray.get(board.stopping.remote()):
        return
    try:
        if assignment.run.scaling.preflight:
            _preflight(assignment, workers, pulse)
        for stage in assignment.run.stages:
            result = assignment.folder.result(stage.name)
            finished = assignment.patiently(partial(storage.exists, result))
            if not finished and not _train(stage, assignment, workers, pulse):
                return
    except BerthError as error:
        ray.get(board.pin.remote(Failure(error)))  # a person must act, another group would meet the same
        raise  # to return here would leave the others waiting for this one


def _preflight(assignment: Assignment, workers: Workers, pulse: Pulse) -> None:
    pulse.enter("testing nodes, network and storage")
    here = Node(id=ray.get_runtime_context().get_node_id(), name=socket.gethostname(), rank=workers.rank)
    line = Preflight(workers, assignment.run, assignment.folder, here).check()
    if line is not None and workers.first:
        assignment.board.pin.remote(Note(line))


def _train(stage: Pretrain | Squad, assignment: Assignment, workers: Workers, pulse: Pulse) -> bool:
    run, folder, board = assignment.run, assignment.folder, assignment.board
    pulse.enter(f"beginning with {stage.name}")
    seed = run.seed_of(stage)
    torch.manual_seed(seed)  # random weights are the same on every worker
    task = _task(stage, run, folder)
    task.model.to(workers.device)
    if compiles(workers.device, stage.compile):
        task.model.bert.compile_layers()
    state = State.fresh(task.model, stage)
    checkpoints = Checkpoints(
        folder.checkpoints(stage.name),
        fingerprint(run, stage.name),
        run.checkpoint.keep,
        run.checkpoint.patience_minutes,
    )
    if not checkpoints.load_latest(state):
        task.start(state)
    tracker = _tracker(stage, assignment, task.steps, state.history) if workers.first else Trackers()
    loop = Loop(
        task,
        state,
        workers,
        seed=seed,
        checkpoints=checkpoints,
        checkpoint_every=run.checkpoint.every,
        tracker=tracker,
        stop_requested=StopSign(board),
        beat=pulse.beat,
        restarts=assignment.restarts,
    )
    pulse.enter(f"training {stage.name}", even=True)
    finished = loop.run()
    pulse.enter(f"finishing {stage.name}")
    metrics = task.finish(workers, folder.stage(stage.name)) if finished else {}
    if workers.first:
        if finished:
            assignment.patiently(lambda: save_pretrained(task.model, task.tokenizer, folder.model(stage.name)))
        tracker.finish(metrics, _outcome(stage, assignment, state, metrics) if finished else None)
        assignment.patiently(lambda: storage.upload(folder.stage(stage.name)))  # the next group may be on other nodes
    if finished and workers.first:
        assignment.patiently(lambda: _write_result(stage, assignment, task, state, metrics))
    workers.wait()
    return finished


def _task(stage: Pretrain | Squad, run: Run, folder: RunFolder) -> Task:
    return PretrainTask(run, stage, folder) if isinstance(stage, Pretrain) else SquadTask(run, stage, folder)


def _tracker(stage: Pretrain | Squad, assignment: Assignment, steps: int, history: list[Record]) -> Trackers:
    run = assignment.run
    wandb = WandbTracker(
        run.tracking,
        run_name=run.name,
        stage=stage.name,
        kind=stage.kind,
        config=run.model_dump(mode="json") | {"origin": origin(), "machine": machine.facts()},
        folder=storage.working_folder(assignment.folder.stage(stage.name)),
        corpus=_corpus(assignment) if isinstance(stage, Pretrain) else None,
        restarted=assignment.failure,
        history=history,
    )
    return Trackers(BoardTracker(assignment.board, stage.name, steps), wandb)


def _outcome(stage: Pretrain | Squad, assignment: Assignment, state: State, metrics: dict[str, float]) -> Outcome:
    run, folder, facts = assignment.run, assignment.folder, {"steps": state.step, **metrics}
    model = assignment.patiently(lambda: stage_artifacts.model(run, folder, stage.name, facts))
    return Outcome(model, assignment.patiently(lambda: read_answers(folder.stage(stage.name))))


def _corpus(assignment: Assignment) -> Reference:
    return assignment.patiently(lambda: stage_artifacts.corpus(assignment.run, assignment.folder))


def _write_result(
    stage: Pretrain | Squad, assignment: Assignment, task: Task, state: State, metrics: dict[str, float]
) -> None:
    """The curves and, last, the result that marks the stage as finished."""
    folder = assignment.folder
    history = "".join(json.dumps(record) + "\n" for record in state.history)
    storage.write_text(folder.stage(stage.name, "history.jsonl"), history)
    result: dict[str, Any] = {
        "stage": stage.name,
        "kind": stage.kind,
        "steps": state.step,
        "samples": state.step * stage.batch_size,
        "tokens": state.tokens,
        "seconds": round(state.seconds, 1),
        "workers": ray.train.get_context().get_world_size(),
        "parameters": sum(parameter.numel() for parameter in task.model.parameters()),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "metrics": metrics,
    }
    storage.write_text(folder.result(stage.name), json.dumps(result, indent=1))
