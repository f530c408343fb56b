"""The memory of a run's processes while it trains: a real `berth run` of two workers that logs and saves often."""

import re
import signal
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

from tests.benchmarks.real_text import show
from tests.chaos.run import EVERY as STEPS_TO_SAVE
from tests.chaos.run import configuration
from tests.end_to_end.berth import Berth
from tests.soak.growth import Held, growing, held, slope
from trainer.errors import Interrupted

NAME = "soak"
STEPS = 10**7
"""More than can be done."""
EVERY = 5.0
"""Seconds between two looks; less where there are few minutes."""
OURS = ("driver", "RayTrainWorker")
"""Roles that may not grow; the others are Ray's and W&B's own."""
Process = tuple[str, int]
"""Its role and its id."""


def soak(minutes: float) -> list[str]:
    """Print what the processes held; what is wrong, in words. The minutes begin with the first checkpoint."""
    with tempfile.TemporaryDirectory(prefix="berth-soak-") as name:
        folder = Path(name)
        settings = {
            **configuration(STEPS, elastic=False),
            "name": NAME,
            "storage": "runs",
            "limits": {"deadline_hours": 1 + minutes / 60},
        }
        (folder / "run.yaml").write_text(yaml.safe_dump(settings))
        run = Berth(folder, "run", "run.yaml")
        try:
            stage = folder / "runs" / NAME / "pretrain"
            run.wait_for(stage / "checkpoints" / f"step-{STEPS_TO_SAVE:08d}" / "complete.json", 600)
            found = _watched(run, 60 * minutes)
            code, said = run.interrupt(signal.SIGINT).wait()
        finally:
            run.end()
        steps = max((int(save.name.removeprefix("step-")) for save in (stage / "checkpoints").iterdir()), default=0)
    lasting = {process: seen for process, seen in found.items() if seen[-1].at > 0.9 * 60 * minutes}
    _show(lasting, minutes, steps)
    problems = [] if code == Interrupted.exit_code else [f"the run ended with {code}:\n{said[-2000:]}"]
    problems += [f"no {role} is left" for role in OURS if role not in {role for role, _ in lasting}]
    return problems + [
        problem
        for (role, number), seen in lasting.items()
        if role in OURS
        for problem in growing(f"{role} {number}", seen)
    ]


def _watched(run: Berth, seconds: float) -> dict[Process, list[Held]]:
    found: dict[Process, list[Held]] = defaultdict(list)
    begin = time.monotonic()
    while (at := time.monotonic() - begin) < seconds and not run.ended:
        driver = psutil.Process(run.pid)
        found["driver", driver.pid].append(held(driver, at))
        for process in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found[_role(process), process.pid].append(held(process, at))
        time.sleep(min(EVERY, seconds / 40))
    return found


def _role(process: psutil.Process) -> str:
    """`RayTrainWorker` of ray::_RayTrainWorker__execute.get_next; else the program's name."""
    command = process.cmdline() or [process.name()]
    actor = re.search(r"ray::_?([A-Za-z]+)", command[0])
    return actor[1] if actor else Path(command[0].split()[0]).name


def _show(found: dict[Process, list[Held]], minutes: float, steps: int) -> None:
    rows = [
        [
            role,
            f"{seen[0].mib:.0f}",
            f"{seen[-1].mib:.0f}",
            f"{3600 * slope(seen):+.1f}",
            f"{seen[0].files} {seen[-1].files}",
            f"{seen[0].threads} {seen[-1].threads}",
        ]
        for (role, _), seen in sorted(found.items())
        if len(seen) > 1
    ]
    columns = ["", "MiB, first", "last", "MiB an hour", "files", "threads"]
    show(f"{minutes:g} minutes of training, {steps:,} steps", columns, rows)
