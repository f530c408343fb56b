"""A run on pods of this machine, from RUN to the exit code of its Master."""

import signal
from collections.abc import Callable, Sequence
from types import FrameType

from trainer.errors import Interrupted
from trainer.launch.pods.folder import JobFolder
from trainer.launch.pods.job import Job
from trainer.launch.pods.rendering import rendered


def execute(
    source: str,
    overrides: tuple[str, ...],
    files: Sequence[str],
    pods: int,
    hear: Callable[[str, str], None],
    say: Callable[[str], None],
) -> int:
    """Run it in the namespaces of this process, see `namespaces.enter`; the Master's exit code.

    Args:
        source: a YAML file or the name of a recipe.
        overrides: such as `pretrain.max_steps=500`.
        files: of the chart's values.
        pods: the Master's and the Workers'.
        hear: is told `worker-1` and a line that this pod prints.
        say: is told what the operator does.

    Raises:
        ConfigError: see `rendering.rendered`.
        InputError: another command runs pods of that name.
        Interrupted: Ctrl-C or SIGTERM; the run is saved and the same command continues it.
    """
    rendering = rendered(source, overrides, files, pods)
    rendering.volume.mkdir(parents=True, exist_ok=True)
    folder = JobFolder(rendering.name)
    with folder.held(rendering.objects):
        say(f"the volume of the pods is {rendering.volume}, their objects are {folder.path}/objects.yaml")
        job = Job(folder, rendering.volume, hear, say)

        def stop(_number: int, _frame: FrameType | None) -> None:
            say("stop: the pods save and end")
            job.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        outcome = job.serve()
    if outcome is None:
        raise Interrupted("the pods have ended; the same command continues")
    return outcome
