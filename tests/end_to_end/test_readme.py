"""README's quickstart and what it does with it, typed as it stands; tests/cluster/test_readme.py types the rest.

Figures differ a little between processors, so scores are compared within 3 points and sure answers word for word.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import readme

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

POINTS = 3


def typed(command: str, folder: Path) -> str:
    """What a shell says in a folder, with what is installed beside this Python on its PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ["bash", "-c", command]
    result = subprocess.run(
        shell, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


def scores(table: str) -> list[float]:
    """All that it says of accuracy, from the left to the right; the card's stand beside each stage's own."""
    cells = re.sub(r"\s+", " ", re.sub(r"[│┃]", " ", table))
    return [float(score) for score in re.findall(r"(?:accuracy|EM|F1|answer) ([\d.]+)", cells)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make quickstart` was typed; town.txt is there as README shows it."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "said.txt").write_text(typed("berth run quickstart", folder))
    shown = re.search(r"^\$ cat town\.txt\n(.*?)^\$", readme("$ berth fill-mask"), re.MULTILINE | re.DOTALL)
    assert shown
    (folder / "town.txt").write_text(shown[1])
    return folder


def test_the_quickstart_reaches_what_is_shown(folder: Path) -> None:
    said = (folder / "said.txt").read_text()
    shown = readme("What the run reached")
    assert scores(said[said.index("What the run reached") :]) == pytest.approx(scores(shown), abs=POINTS)
    assert said.splitlines()[-1] == shown.splitlines()[-1] == "report: runs/quickstart/report.html"
    assert (folder / "runs/quickstart/report.html").stat().st_size > 100_000


def test_its_models_answer_as_is_shown(folder: Path) -> None:
    asked = re.findall(r"^\$ (berth .*\")\n((?:[ \d.]+%  .*\n)+)", readme("$ berth fill-mask"), re.MULTILINE)
    assert len(asked) == 4
    for command, shown in asked:
        assert typed(command, folder).split()[1:][:1] == shown.split()[1:][:1], command


def test_files_of_questions_are_answered_and_a_model_is_exported(folder: Path) -> None:
    question = "Who founded the town?"
    lines = [{"question": question, "context": (folder / "town.txt").read_text(), "id": "7"}]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "book.txt").write_text((folder / "town.txt").read_text() * 40)
    answer, of_a_book, export = re.findall(r"^\$ (berth .*[^\"\n])$", readme("$ berth fill-mask"), re.MULTILINE)
    typed(answer, folder)
    assert json.loads((folder / "answers.jsonl").read_text())["answer"] == "Rosa Hooper"
    assert json.loads(typed(of_a_book, folder))["answer"] == "Rosa Hooper"
    typed(export, folder)
    assert {"model.safetensors", "README.md"} <= {path.name for path in (folder / "my-model").iterdir()}


def test_python_answers_too(folder: Path) -> None:
    program = f"text = open('town.txt').read()\n{readme('import trainer')}"
    asks = re.sub(r"^(reader\(\".*?\))", r"print(\1.text)", program, flags=re.MULTILINE)
    assert asks != program
    (folder / "asks.py").write_text(asks)
    assert typed("python asks.py", folder) == "Rosa Hooper\n"


def squad_commands(model: str) -> list[str]:
    """README's, for models of the quickstart, which have 96 positions."""
    small = "squad.max_length=96 squad.max_query_length=24 squad.doc_stride=64"
    return [f"{line.partition('#')[0].replace('DIR', model)} {small}" for line in readme("berth squad").splitlines()]


def test_seeds_and_learning_rates_are_compared(folder: Path) -> None:
    for name in ("train-v1.1.json", "dev-v1.1.json"):  # of a few articles, since there are ten trials
        whole = json.loads((folder / "runs/quickstart/world" / name).read_text())
        (folder / name).write_text(json.dumps({**whole, "data": whole["data"][:2]}))
    sweep, _ = squad_commands("runs/quickstart/pretrain/model")
    said = typed(f"{sweep} --name sweep squad.epochs=1", folder)
    [found] = json.loads((folder / "runs/sweep/trials.json").read_text())
    assert [rate["seeds"] for rate in found["rates"]] == [[0, 1, 2, 3, 4]] * 2
    assert "The trials of squad" in said


def test_a_model_is_scored_as_it_is(folder: Path) -> None:
    stage = "runs/quickstart/squad-v2.0"
    (folder / "dev-v2.0.json").symlink_to("runs/quickstart/world/dev-v2.0.json")
    _, score = squad_commands(f"{stage}/model")
    reached = json.loads((folder / stage / "result.json").read_text())["metrics"]["squad/exact"]
    assert f"EM {reached:.2f}" in typed(f"{score} squad.null_threshold=-2.0", folder)


def test_a_corpus_is_looked_at(folder: Path) -> None:
    command = readme("berth doctor corpora/wiki").partition("#")[0].replace("corpora/wiki", "runs/quickstart")
    assert "documents" in typed(command, folder)


def test_pages_are_written_and_the_last_point_is_shown(folder: Path) -> None:
    report, compare, leet = (line.partition("#")[0] for line in readme("berth report").splitlines())
    (folder / "runs/quickstart/report.html").unlink()
    assert typed(report.replace("my-run.yaml", "quickstart"), folder) == "runs/quickstart/report.html\n"
    assert (folder / "runs/quickstart/report.html").exists()
    both = compare.replace("runs/a runs/b s3://x/c", "runs/quickstart runs/quickstart")
    assert typed(both, folder) == "comparison.html\n"
    assert (folder / "comparison.html").exists()
    assert leet.split() == ["wandb", "leet", "runs/my-run/pretrain/wandb"]
    summary = typed("wandb leet inspect --summary runs/quickstart/pretrain/wandb", folder)
    assert "eval/mlm_loss" in summary
