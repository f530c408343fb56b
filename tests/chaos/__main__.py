"""Break a run by a seeded schedule and compare it with the undisturbed one; see the package. `make chaos` starts this.

An even seed trains a group of two, which waits for its pods: the result has to be equal in every bit. With an odd one
the group follows the pods. Ends with an error where a run is lost, or is another one than the undisturbed.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from tests.chaos.comparison import compared, group_sizes
from tests.chaos.local import Local
from tests.chaos.run import EVERY, Done, Lane, configuration, met_together, trained
from tests.chaos.schedule import parsed, schedule
from trainer.errors import InputError
from trainer.launch.pods import namespaces

STEPS_A_MINUTE = 300
"""Of a schedule: less than a machine with two free cores does, since it stands still after faults."""
PACKAGE = Path(__file__).parents[2] / "trainer"
CACHE = Path(os.environ.get("BERTH_CHAOS_CACHE", Path.home() / ".cache" / "berth-chaos"))
LOSS, WEIGHTS = 2e-2, 2e-2
"""Relative differences that other group sizes may make, by the order in which floats are summed."""
PLANNED = ("drain Worker pod", "add Worker pod", "remove Worker pod")
"""Of which the run is told: they cost no step."""
ELASTIC = ("add Worker pod", "remove Worker pod")
"""Nothing for a group of a fixed number."""
LONG = "cut Worker 5 min"
"""Only by hand: it takes half of a usual run."""


def main() -> int:
    asked = _asked()
    if reason := _missing(in_namespaces=not asked.cluster):
        print(f"chaos: {reason}", file=sys.stderr)
        return 2
    elastic = asked.seed % 2 == 1
    steps = asked.steps or int(asked.minutes * STEPS_A_MINUTE)
    settings = configuration(steps, elastic=elastic)
    if asked.cluster:  # what the cluster's run is compared with is made here, in namespaces
        made = [sys.executable, "-m", "tests.chaos", "--undisturbed", f"--seed={asked.seed}", f"--steps={steps}"]
        subprocess.run(made, check=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-", dir=_cache())))
        undisturbed = reference(settings, work)
        if asked.undisturbed:
            return 0
        lane = _lane(settings, work, stack) if asked.cluster else Local(work / "run", settings)
        planned = asked.schedule or schedule(asked.seed, 60 * asked.minutes, _usual(lane, elastic=elastic))
        print(f"seed {asked.seed}: {', '.join(f'{each.at:g}:{each.fault}' for each in planned)}", flush=True)
        outcome, done = trained(lane, planned, asked.seed, _patience(settings))
        return judged(lane, outcome, done, undisturbed, asked, len(planned))


def reference(settings: Mapping[str, Any], work: Path) -> Path:
    """The stage's folder of the undisturbed run, which is made once for a configuration and a state of the code."""
    code = [file.read_bytes() for file in sorted(PACKAGE.rglob("*.py"))]
    told = [json.dumps(settings, sort_keys=True).encode(), torch.__version__.encode(), *code]
    kept = _cache() / hashlib.sha256(b"".join(told)).hexdigest()[:16]
    if not kept.exists():
        print("the undisturbed run, which is kept", flush=True)
        lane = Local(work / "undisturbed", settings)
        outcome, _ = trained(lane, [], 0, _patience(settings))
        lane.end()
        assert outcome == 0, f"the undisturbed run ended with {outcome}:\n{_last_words(lane)}"
        lane.result().rename(kept)
    return kept


def judged(
    lane: Lane, outcome: int | None, done: Sequence[Done], undisturbed: Path, asked: argparse.Namespace, planned: int
) -> int:
    """Print what came of it; the exit code."""
    Console(width=110).print(_table(done, asked.seed))
    if len(done) < planned:
        print(f"the run ended before {planned - len(done)} of the {planned} faults")
    problems = [
        f"{each.fault}: {each.cost.lost} steps lost"
        for each in done
        if each.cost.lost > max(_allowed(one.fault) for one in met_together(each, done))
    ]
    if outcome != 0:
        print(_last_words(lane))
        problems.append(f"the run ended with {outcome}" if outcome is not None else "the run did not end")
    else:
        problems += _differences(lane.result(), undisturbed, bits=isinstance(lane, Local))
    print("\n".join(problems) or "equal to the undisturbed run", flush=True)
    if problems and isinstance(lane, Local):
        kept = Path(tempfile.mkdtemp(prefix="failed-", dir=_cache()))
        shutil.copytree(lane.folder / "logs", kept / "logs")
        print(f"logs of the pods: {kept}/logs")
    return 1 if problems else 0


def _differences(stage: Path, undisturbed: Path, *, bits: bool) -> list[str]:
    """What should not differ; every bit is asked for where both runs had the same processor and group."""
    sizes = group_sizes(stage)
    try:
        found = compared(stage, undisturbed)
    except AssertionError as error:
        return [str(error)]
    print(
        f"groups of {', '.join(map(str, sorted(sizes)))}; {'every bit is the same; ' if found.same_bits else ''}"
        f"largest relative difference of a loss {found.loss:.1e}, of the weights {found.weights:.1e}"
    )
    if bits and sizes == group_sizes(undisturbed):
        return [] if found.same_bits else ["other bits than the undisturbed run"]
    return ["another curve than the undisturbed run"] if found.loss > LOSS or found.weights > WEIGHTS else []


def _table(done: Sequence[Done], seed: int) -> Table:
    table = Table(title=f"Chaos by seed {seed}", caption=f"a checkpoint each {EVERY} steps")
    for column in ("", "second", "step", "steps lost", "to the next step", "without a step", "workers then"):
        table.add_column(column, justify="right" if column else "left")
    for each in done:
        figures = [each.at, each.cost.before, each.cost.lost]
        table.add_row(
            each.fault, *(f"{figure:.0f}" for figure in figures), each.still, each.pause, str(each.cost.workers)
        )
    return table


def _allowed(fault: str) -> int:
    """Steps that a fault may cost; a torn checkpoint costs the interval before it as well."""
    return {"tear checkpoint": 2 * EVERY, **dict.fromkeys(PLANNED, 0)}.get(fault, EVERY)


def _usual(lane: Lane, *, elastic: bool) -> list[str]:
    return [fault for fault in lane.faults if fault != LONG and (elastic or fault not in ELASTIC)]


def _lane(settings: Mapping[str, Any], work: Path, stack: ExitStack) -> Lane:
    from tests.chaos.kubernetes import on_cluster  # noqa: PLC0415 - it wants what only a cluster needs

    return stack.enter_context(on_cluster(settings, work))


def _patience(settings: Mapping[str, Any]) -> float:
    return 300 + 1.0 * settings["pretrain"]["max_steps"]


def _last_words(lane: Lane) -> str:
    if not isinstance(lane, Local):
        return ""
    logs = sorted((lane.folder / "logs").iterdir(), key=lambda log: log.stat().st_mtime)
    return "\n".join(f"{log.name}:\n{log.read_text()[-1500:]}" for log in logs[-3:])


def _cache() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE


def _missing(*, in_namespaces: bool) -> str | None:
    """What a machine lacks for it; one that lacks nothing starts this again, in namespaces that end with it."""
    if os.geteuid() != 0:
        return "needs root (it makes network namespaces)"
    if shutil.which("gcc") is None:
        return "needs gcc (apt-get install gcc)"
    try:
        if in_namespaces:
            namespaces.enter()
    except InputError as error:
        return str(error)
    return None


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Break a run by a seeded schedule.")
    parser.add_argument("--seed", type=int, default=Random().randrange(1000), help="of schedule and victims")
    parser.add_argument("--minutes", type=float, default=10, help="of the schedule")
    parser.add_argument("--steps", type=int, help=f"of the run; else {STEPS_A_MINUTE} for each minute")
    parser.add_argument("--schedule", type=parsed, help="by hand, '20:kill worker,60:cut Worker 20 s'")
    parser.add_argument("--undisturbed", action="store_true", help="only make the run that others are compared with")
    parser.add_argument("--cluster", action="store_true", help="on the cluster of tests/cluster")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
