"""A run's pages on W&B: what is sent, and that a server which is spoken to over HTTP has them once.

The server is ours and speaks W&B's protocol; the real one was not asked.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.reports.v2.internal as reports
import wandb_workspaces.workspaces as ws
import wandb_workspaces.workspaces.internal as views

from tests.tasks.conftest import Prepared, prepared  # noqa: F401 - a fixture
from tests.tracking.pages_server import PagesServer
from tests.tracking.wandb_server import ENTITY
from trainer.config.load import load
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import Task
from trainer.errors import ConfigError, DataError
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask
from trainer.tracking.dashboard import SECTIONS, sections, spec
from trainer.tracking.published_dashboard import Published, publish
from trainer.tracking.tracker import Outcome

GOLDEN = Path(__file__).with_name("dashboard.json")
RENEW = ".venv/bin/berth dashboard quickstart --dry-run > tests/tracking/dashboard.json"

ONLY_ON_GPUS = {"train/mfu"}
"""Where the peak is known."""


@pytest.fixture
def server() -> Iterator[PagesServer]:
    with PagesServer().listening() as listening:
        yield listening


def berth(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, in a folder, of somebody without a key of their own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return subprocess.run(
        [sys.executable, "-m", "trainer", *arguments],
        cwd=folder,
        env=own | {"HOME": str(folder), "NETRC": str(folder / "netrc"), "WANDB_HTTP_TIMEOUT": "3"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def published(server: PagesServer, folder: Path, *overrides: str) -> Published:
    """By the command, which has time on a busy machine: a request that W&B repeats makes a page twice."""
    told = berth(folder, "dashboard", "quickstart", *overrides, **server.environment, WANDB_HTTP_TIMEOUT="60")
    assert (told.returncode, told.stderr) == (0, "")
    return Published.model_validate(kept(folder))


def kept(folder: Path) -> dict[str, str]:
    return json.loads((folder / "runs" / "quickstart" / "dashboard.json").read_text())


def charted(*overrides: str) -> set[str]:
    """The metrics of a run's charts."""
    return {
        name
        for section in sections(load("quickstart", overrides))
        for chart in section.charts
        for name in (*chart.metrics, chart.over)
        if name
    }


class Names:
    """A tracker that keeps the names of what it is told, and lets a checkpoint be written meanwhile."""

    def __init__(self) -> None:
        self.told = {"train/step"}

    def log(self, record: Mapping[str, float], step: int) -> None:
        self.told |= record.keys()
        time.sleep(0.1)

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        self.told |= summary.keys()


def trained(task: Task, folder: Path) -> set[str]:
    """The names of all that a stage logs."""
    names, alone = Names(), Workers(torch.device("cpu"))
    checkpoints = Checkpoints(str(folder / "checkpoints"), "", keep=1)
    state = State.fresh(task.model, task.settings)
    loop = Loop(
        task,
        state,
        alone,
        seed=0,
        checkpoints=checkpoints,
        checkpoint_every=1,
        tracker=names,
        stop_requested=lambda: False,
    )
    loop.run()
    names.finish(task.finish(alone, str(folder)))
    return names.told


def test_what_is_sent_is_as_it_was() -> None:
    assert spec(load("quickstart")) == json.loads(GOLDEN.read_text()), f"if that is meant, renew it: {RENEW}"


def test_the_library_reads_what_is_sent_and_makes_the_same_of_it() -> None:
    sent = spec(load("quickstart"))
    view = ws.Workspace._from_model(views.View.model_validate(sent["view"]))
    report = wr.Report._from_model(reports.ReportViewspec.model_validate(sent["report"]))
    report.width = "fluid"  # which it does not read
    for name, read in {"view": view, "report": report}.items():
        assert read._to_model().model_dump(mode="json", by_alias=True, exclude_none=True) == sent[name]


def test_every_metric_of_a_chart_is_one_that_a_run_logs(prepared: Prepared, tmp_path: Path) -> None:  # noqa: F811
    run, points = prepared.run, {"log_every": 1, "eval_every": 100}  # scored at the end, too
    pretrain, squad = (stage.model_copy(update=points) for stage in (run.pretrain[0], run.squad[0]))
    changed = run.model_copy(update={"pretrain": (pretrain,), "squad": (squad,)})
    logged = trained(PretrainTask(changed, pretrain, prepared.folder), tmp_path / "pretrain")
    logged |= trained(
        SquadTask(changed.model_copy(update={"pretrain": ()}), squad, prepared.folder), tmp_path / "squad"
    )
    named = {name for section in SECTIONS for chart in section.charts for name in (*chart.metrics, chart.over) if name}
    assert named - ONLY_ON_GPUS <= logged


def test_a_run_without_pretraining_has_no_chart_of_it() -> None:
    names = charted("pretrain=null")
    assert {name for name in names if re.search("mlm|nsp|perplexity", name)} == set()
    assert {"train/loss", "train/span_loss", "squad/f1"} <= names
    assert "Held out" not in [section.title for section in sections(load("quickstart", ("pretrain=null",)))]


def test_a_run_without_squad_has_no_chart_of_it() -> None:
    assert {name for name in charted("squad=null") if re.search("squad|span|f1|exact", name)} == set()


def test_next_sentences_and_scores_while_training_are_charted_where_there_are_such() -> None:
    assert "train/nsp_loss" in charted()
    assert "train/nsp_loss" not in charted("pretrain.next_sentence_prediction=false")
    assert "eval/f1" not in charted()
    assert "eval/f1" in charted("squad.0.eval_every=50")


def test_the_scores_of_the_card_stand_beside_those_of_the_run() -> None:
    [section] = [section for section in sections(load("quickstart")) if section.title == "SQuAD beside the card"]
    assert "82.78 | 89.97" in section.text
    assert "75.04 | 78.08" in section.text
    assert "invented world" in section.text


def test_panels_keep_their_ids_and_share_none() -> None:
    first, second = (json.dumps(spec(load("quickstart"))) for _ in range(2))
    assert first == second
    for page in spec(load("quickstart")).values():
        ids = re.findall(r'"__id__": "(\w+)"', json.dumps(page))
        assert len(ids) == len(set(ids)) > 20


def test_a_dry_run_needs_no_key_no_network_and_writes_nothing(tmp_path: Path) -> None:
    told = berth(tmp_path, "dashboard", "quickstart", "--dry-run", WANDB_BASE_URL="http://127.0.0.1:9")
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout) == json.loads(GOLDEN.read_text())
    assert list(tmp_path.iterdir()) == []


def test_the_second_call_changes_the_pages_of_the_first(server: PagesServer, tmp_path: Path) -> None:
    patient = server.environment | {"WANDB_HTTP_TIMEOUT": "60"}
    first = berth(tmp_path, "dashboard", "quickstart", **patient)
    assert (first.returncode, first.stderr) == (0, "")
    assert server.projects == ["berth"]
    written = kept(tmp_path)
    assert first.stdout == f"view: {written['view']}\nreport: {written['report']}\n"
    assert written["view"].startswith(f"{server.url}/{ENTITY}/berth?nw=")
    second = berth(tmp_path, "dashboard", "quickstart", "squad=null", **patient)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert kept(tmp_path) == written
    [view], [report] = server.of_kind("project-view"), server.of_kind("runs")
    assert (view.saved, report.saved) == (2, 2)
    without = spec(load("quickstart", ("squad=null",)))
    assert report.spec["blocks"] == without["report"]["spec"]["blocks"]
    assert titles(view.spec) == titles(without["view"]["spec"])


def titles(view: dict[str, Any]) -> list[str]:
    return [section["name"] for section in view["section"]["panelBankConfig"]["sections"]]


def test_sections_that_somebody_added_to_the_view_stay(server: PagesServer, tmp_path: Path) -> None:
    published(server, tmp_path)
    [view] = server.of_kind("project-view")
    parts = view.spec["section"]["panelBankConfig"]["sections"]
    parts[0]["panels"] = []
    parts.append(parts[1] | {"name": "My own"})
    published(server, tmp_path)
    [view] = server.of_kind("project-view")
    assert titles(view.spec) == [*(section.title for section in SECTIONS), "My own"]
    assert view.spec["section"]["panelBankConfig"]["sections"][0]["panels"]


def test_another_project_gets_pages_of_its_own(server: PagesServer, tmp_path: Path) -> None:
    for project in ("harbour", "quay"):
        made = published(server, tmp_path, f"tracking.project={project}")
        assert made.project == f"{server.url}/{ENTITY}/{project}"
    assert [page.project for page in server.of_kind("runs")] == ["harbour", "quay"]


def test_a_missing_key_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    told = berth(tmp_path, "dashboard", "quickstart")
    assert told.returncode == 2
    assert told.stderr == "berth: WANDB_API_KEY: there is no key for W&B; set it, or run `wandb login`\n"


@pytest.mark.parametrize(
    ("fault", "said"), [("hang", "no answer within 3 s"), ("cut", "no answer within 3 s"), ("401", ".+this is a 401")]
)
def test_a_server_that_is_away_or_refuses_is_one_line_with_what_to_do(
    server: PagesServer, tmp_path: Path, fault: Any, said: str
) -> None:
    server.fault = fault
    told = berth(tmp_path, "dashboard", "quickstart", **server.environment)
    assert (told.returncode, told.stdout) == (2, "")
    problem = rf"berth: {server.url}: W&B takes no dashboard \({said}\); check the network, .+\n"
    assert re.fullmatch(problem, told.stderr)
    assert not (tmp_path / "runs").exists()


def test_pages_that_were_deleted_are_told_of_with_the_file_to_delete(server: PagesServer, tmp_path: Path) -> None:
    published(server, tmp_path)
    server.pages.clear()
    told = berth(tmp_path, "dashboard", "quickstart", **server.environment)
    assert told.returncode == 2
    [line] = told.stderr.splitlines()
    assert line.endswith(f"delete {tmp_path}/runs/quickstart/dashboard.json, and new ones are made")


def test_a_run_that_logs_nothing_to_wandb_gets_no_dashboard(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tracking\.wandb: disabled"):
        publish(load("quickstart", ("tracking.wandb=disabled",)), str(tmp_path))


def test_a_damaged_file_of_pages_is_named(tmp_path: Path) -> None:
    (tmp_path / "dashboard.json").write_text("{}")
    with pytest.raises(DataError, match="not what `berth dashboard` wrote: Field required"):
        publish(load("quickstart"), str(tmp_path))


def test_without_the_extra_it_is_said_how_to_install_it() -> None:
    script = "import sys; sys.modules['wandb_workspaces'] = None; from trainer.cli import main; main()"
    command = [sys.executable, "-c", script, "dashboard", "quickstart"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert told.stderr == "berth: berth dashboard: needs wandb-workspaces; run `pip install 'berth[dashboard]'`\n"
