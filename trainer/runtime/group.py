"""One group of workers, from its start to its end: Ray Train starts it, watches it and takes it down.

Its size never changes. The driver resizes by asking the group to stop, which saves at the next step, and starting
another one: that costs no step, where Ray Train's own resizing goes back to the last checkpoint.
"""

import threading
from functools import partial
from textwrap import shorten
from typing import Any

import ray
import ray.exceptions
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig
from ray.train.v2._internal.exceptions import WorkerGroupStartupTimeoutError

from trainer import storage
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.errors import Stalled
from trainer.runtime import nodes, notice_board, preload
from trainer.runtime.heartbeat import Sign
from trainer.runtime.notice_board import BoardHandle, Notice
from trainer.runtime.ray_trainer import RayTrainer
from trainer.runtime.watchdog import patience
from trainer.runtime.worker import Assignment, work

ANSWER_TIMEOUT_SECONDS = 60
"""The board is on the driver's own node: when it is silent for so long, Ray is no more."""


class Group:
    """Workers in training, as long as the block lasts.

    Ray Train waits for them in a thread, so that the main one has signals and progress.
    """

    def __init__(self, run: Run, folder: RunFolder, size: int, restarts: int = 0, failure: str = "") -> None:
        """`restarts`: groups there were before; `failure`: what the last one failed of, if it failed."""
        self.size = size
        self.stopping = False
        self.error: Exception | None = None
        self._board: BoardHandle = notice_board.put_up()
        self._trainer = _trainer(run, Assignment(run, folder, self._board, restarts, failure), size)
        self._thread = threading.Thread(target=self._fit, name="ray-train", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Group":
        return self

    def __exit__(self, *_: object) -> None:
        """See to it that the thread is over: Ray ends a process whose threads still use it when it is closed."""
        if self._thread.is_alive():
            nodes.end_actors(nodes.CONTROLLER)
            self._thread.join(ANSWER_TIMEOUT_SECONDS)

    def running(self, seconds: float) -> bool:
        """Wait so long for the end; whether it has not come."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def notices(self) -> list[Notice]:
        """What was pinned on the board since the last call.

        Raises:
            Stalled: Ray is gone.
        """
        return self._answer(self._board.take)

    def signs(self) -> list[Sign]:
        """The newest sign of each worker that has given one.

        Raises:
            Stalled: Ray is gone.
        """
        return self._answer(self._board.signs)

    @staticmethod
    def _answer(question: Any) -> Any:
        try:
            return ray.get(question.remote(), timeout=ANSWER_TIMEOUT_SECONDS)
        except ray.exceptions.RayError as error:
            raise Stalled(f"Ray does not answer any more ({type(error).__name__})") from error

    def stop(self) -> None:
        """Ask the workers to save after the step that they are in, and to end."""
        self.stopping = True
        self._board.stop.remote()

    def _fit(self) -> None:
        try:
            self._trainer.fit()
        except Exception as error:
            self.error = error


def reason(error: Exception) -> str:
    """What went wrong in a group, in a line."""
    failures: dict[int, Exception] = getattr(error, "worker_failures", {})
    # Workers that never started are the controller's failure, which says of what.
    own = getattr(error, "controller_failure", error)
    causes = [getattr(failure, "health_check_failure", failure) for failure in failures.values()] or [own]
    # Where a process is gone, the other workers only say that they miss it.
    first = next((cause for cause in causes if isinstance(cause, ray.exceptions.RayError)), causes[0])
    text = str(first).strip()
    # A traceback says it at its end, Ray's own errors at their beginning.
    line = text.rpartition("\n")[2] if "Traceback" in text else text.partition("\n")[0]
    ranks = ", ".join(str(rank) for rank in sorted(failures))
    return f"{f'worker {ranks}' if failures else 'the workers'} failed ({shorten(line, 200, placeholder=' ...')})"


def without_place(error: Exception | None) -> bool:
    """Whether what a group failed of, if it did, is that Ray found no place for its workers in time."""
    return isinstance(getattr(error, "controller_failure", None), WorkerGroupStartupTimeoutError)


def _trainer(run: Run, assignment: Assignment, size: int) -> RayTrainer:
    scaling = run.scaling
    resources = {"CPU": scaling.cpus_per_worker} | ({"GPU": 1} if scaling.gpus_per_worker else {})
    filesystem, path = storage.arrow_filesystem(assignment.folder.stage("ray"))
    return RayTrainer(
        partial(work, assignment),
        torch_config=TorchConfig(
            backend="nccl" if scaling.gpus_per_worker else "gloo",
            timeout_s=round(patience(run.limits)),  # what hangs, the driver ends
        ),
        scaling_config=ScalingConfig(
            num_workers=size, use_gpu=bool(scaling.gpus_per_worker), resources_per_worker=resources
        ),
        run_config=RunConfig(
            name=run.name,
            worker_runtime_env={"env_vars": {preload.WORKER: "1"}},
            storage_path=path,
            storage_filesystem=filesystem,
            failure_config=FailureConfig(max_failures=0, max_preemption_failures=0, controller_failure_limit=0),
        ),
    )
