"""The report: what it says, that nothing in it comes alive, that it needs nothing but itself."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tracking.test_health import FOUND
from trainer.config import schema
from trainer.errors import DataError
from trainer.tracking.report import write_report

CONTEXT = (
    "Orvale lies on the Tessen. Marta Holm founded it in 1743; Ingrid Vale is the mayor. <script>alert(1)</script>"
)
VOID = {"meta", "br", "hr", "img", "link", "input", "line", "circle", "polyline", "rect"}


class Page(HTMLParser):
    """Fails on tags that do not nest; keeps text, tags and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("style", "script", "title", "desc"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def run(**settings: Any) -> schema.Run:
    squad = {"train": ["run://world/train.json"], "dev": "run://world/dev.json", "max_length": 128, "doc_stride": 32}
    model = {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 128}
    return schema.Run.model_validate(
        {
            "name": "quickstart",
            "world": {},
            "corpus": {"sources": [{"path": "s3://me:hunter2@bucket/text"}]},
            "model": model,
            "pretrain": {"max_length": 128},
            "squad": [squad | {"name": "squad-v1.1"}, squad | {"name": "squad-v2.0"}],
        }
        | settings
    )


def result(kind: str, metrics: dict[str, float]) -> dict[str, Any]:
    amounts = {"steps": 900, "seconds": 81.3, "workers": 2, "samples": 28_800, "tokens": 1_912_300}
    return amounts | {
        "stage": "any",
        "kind": kind,
        "parameters": 873_730,
        "finished": "2026-08-02T14:03:00+00:00",
        "metrics": metrics,
    }


def answer(question: str, gold: list[str], prediction: str) -> dict[str, Any]:
    exact = prediction in gold or (not gold and not prediction)
    return {
        "id": question,
        "paragraph": 0,
        "question": question,
        "gold": [{"text": text, "start": CONTEXT.index(text)} for text in gold],
        "prediction": prediction,
        "exact": exact,
        "f1": float(exact),
        "n_best": [{"text": prediction, "probability": 0.75}],
    }


def file(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"paragraphs": [{"title": "Orvale", "context": CONTEXT}], "answers": answers}


def write(folder: Path, content: dict[str, Any]) -> None:
    for name, value in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))


def history(*metrics: str) -> str:
    return "".join(
        json.dumps({"step": step, "seconds": step / 9, "train/world_size": 2} | dict.fromkeys(metrics, 0.5)) + "\n"
        for step in range(10, 910, 10)
    )


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The folder of a run whose three stages are done."""
    train = {"documents": 11_940, "sentences": 83_580, "tokens": 787_091}
    held_out = {"documents": 60, "sentences": 420, "tokens": 3_900}
    scores = {"squad/exact": 71.25, "squad/f1": 77.5, "squad/total": 1200}
    parts = {"squad/HasAns_exact": 64.5, "squad/HasAns_f1": 70.1, "squad/NoAns_exact": 93.75}
    answers = [
        answer("Who founded Orvale?", ["Marta Holm"], "Marta Holm"),
        answer("Who is <b>mayor</b>?", ["Ingrid Vale"], "Marta Holm"),
        answer("Who owns the mill?", [], "Ingrid Vale"),
    ]
    write(
        tmp_path,
        {
            "corpus/corpus.json": {
                "totals": {"train": train, "held_out": held_out},
                "unigram_entropy": 5.61,
                "unknown_rate": 0.0004,
                "vocab_size": 2048,
            },
            "pretrain/history.jsonl": history("train/mlm_loss", "train/nsp_loss", "train/learning_rate"),
            "pretrain/result.json": result("pretrain", {"eval/mlm_loss": 2.5}),
            "squad-v1.1/history.jsonl": history("train/span_loss"),
            "squad-v1.1/result.json": result("squad", scores),
            "squad-v1.1/answers.json": file(answers[:2]),
            "squad-v1.1/predictions.json": {},
            "squad-v2.0/result.json": result("squad", scores | parts),
            "squad-v2.0/answers.json": file(answers),
        },
    )
    return tmp_path


def page(settings: schema.Run, folder: Path) -> Page:
    uri = write_report(settings, str(folder))
    assert uri == f"{folder}/report.html"
    return Page(Path(uri).read_text())


def test_a_finished_run_tells_its_story(finished: Path) -> None:
    text = page(run(), finished).text
    facts = [
        "A BERT encoder of 3 layers and 128 hidden units, 874k parameters, trained from scratch on 791k tokens",
        "Training took 4 min 04 s",
        "Exact match 71.25 82.78 82.3",
        "F1 77.50 89.97 91.2",
        "Exact match 71.25 75.04 86.8",
        "Left unanswered where there is none 93.75",
        "no answer 1 0.0 0.0 2 words 2 50.0 50.0",
        "The expected calibration error (Guo et al. 2017) is 41.7 points; on average the model is 41.7 points too sure",
        "They cannot be compared with the card’s",
        "pretrain 1 min 21 s 900 28,800 1,912,300 2 3 min 20 s 2 August 2026, 14:03 UTC",
        "12,000 documents, 84,000 sentences, 790,991 tokens; unigram entropy 5.61 nats; 0.04 % unknown tokens",
        "2,048 pieces",
        "unigram entropy 5.61",
        "Answered “Marta Holm”, expected “Ingrid Vale”",
        "Answered “Ingrid Vale”, expected no answer",
        "berth run quickstart.yaml name=quickstart-2",
        "Python 3.",
        "torch 2.",
    ]
    assert [fact for fact in facts if fact not in text] == []


def test_what_the_doctor_found_is_told_with_its_remedies(finished: Path) -> None:
    found = FOUND | {"warnings": [{"problem": "<b>12 %</b> came before", "remedy": "set corpus.cleaning"}]}
    write(finished, {"corpus/doctor.json": found})
    html = page(run(), finished)
    facts = [
        "<b>12 %</b> came before set corpus.cleaning",
        "12 % of the documents",
        "2.0 % of the tokens: w0, w1, w2",
        "en 90 %, de 10 %",
        "15 % of the tokens to predict: 80 % masked, 11 % random, 9.0 % kept; 50 % of the pairs random",
        "30 % padding avoided",
    ]
    assert [fact for fact in facts if fact not in html.text] == []
    assert len([tag for tag, _ in html.tags if tag == "svg"]) == 7
    write(finished, {"corpus/doctor.json": FOUND | {"warnings": []}})
    assert "Berth’s doctor has no warnings." in page(run(), finished).text


def test_nothing_from_data_becomes_markup(finished: Path) -> None:
    html = page(run(), finished)
    assert "b" not in {tag for tag, _ in html.tags}
    assert [tag for tag, _ in html.tags].count("script") == 3
    assert "<script>alert(1)</script>" in html.text
    assert "Who is <b>mayor</b>?" in html.text


def test_the_page_loads_nothing_and_runs_no_script_but_its_own(finished: Path) -> None:
    html = page(run(), finished)
    names = {name for _, attributes in html.tags for name in attributes}
    links = [attributes["href"] for _, attributes in html.tags if "href" in attributes]
    assert not {"src", "srcset", "onclick", "onload"} & names
    assert links == ["squad-v1.1/predictions.json"]
    source = (finished / "report.html").read_text()
    assert not re.search(r"https?://|@import|url\(", source)
    assert len(source) < 500_000
    scripts = re.findall(r'<script type="([^"]*)">(.*?)</script>', source, re.DOTALL)
    assert [kind for kind, _ in scripts] == ["text/plain", "text/plain", "module"]
    assert all(re.fullmatch(r"[A-Za-z0-9+/]+=*", text) for _, text in scripts[:2])
    digest = base64.b64encode(hashlib.sha256(scripts[2][1].encode()).digest()).decode()
    [policy] = [attributes["content"] for _, attributes in html.tags if "http-equiv" in attributes]
    assert policy
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_page_shows_no_credentials(finished: Path) -> None:
    page(run(), finished)
    assert "hunter2" not in (finished / "report.html").read_text()


def test_every_identifier_is_there_once_and_every_chart_is_labelled(finished: Path) -> None:
    html = page(run(), finished)
    identifiers = [attributes["id"] for _, attributes in html.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    labels = [attributes["aria-labelledby"] or "" for tag, attributes in html.tags if tag == "svg"]
    assert len(labels) == 6
    assert {name for label in labels for name in label.split()} == set(identifiers)


def test_tables_have_header_cells_with_a_scope(finished: Path) -> None:
    headers = [attributes.get("scope") for tag, attributes in page(run(), finished).tags if tag == "th"]
    assert set(headers) == {"col", "row"}


def test_a_run_that_has_not_begun_has_a_report(tmp_path: Path) -> None:
    text = page(run(), tmp_path).text
    assert text.count("not started") == 3
    assert "Scores" not in text


def test_an_unfinished_stage_says_so_and_shows_its_curves(finished: Path) -> None:
    (finished / "pretrain" / "result.json").unlink()
    html = page(run(), finished)
    assert "pretrain not finished" in html.text
    assert "Training has so far taken" in html.text
    assert len([tag for tag, _ in html.tags if tag == "svg"]) == 6


def test_of_several_trials_the_best_one_shows_its_answers(tmp_path: Path) -> None:
    settings = run()
    entry = settings.squad[0].model_copy(update={"name": "squad", "learning_rates": (3e-5, 5e-5)})
    settings = settings.model_copy(update={"squad": (entry,)})
    for trial, f1 in zip(entry.trials(settings.seed), (80.0, 81.0), strict=True):
        scores = {"squad/exact": f1, "squad/f1": f1, "squad/total": 1}
        found = file([answer(f"Who, at {f1}?", ["Marta Holm"], "Marta Holm")])
        write(tmp_path, {f"{trial.name}/result.json": result("squad", scores), f"{trial.name}/answers.json": found})
    text = page(settings, tmp_path).text
    assert "Who, at 81.0?" in text
    assert "Who, at 80.0?" not in text
    assert "Exact match 81.00" in text
    assert "Exact match 80.00" not in text


def test_a_sweep_is_told_in_one_table(tmp_path: Path) -> None:
    score = {"mean": 80.123, "deviation": 0.25, "best": 80.5, "low": 79.25, "high": 81}
    alone = score | {"deviation": None}
    rates = [
        {"learning_rate": 3e-5, "seeds": [0, 1], "best": "squad.3e-5.seed-1", "exact": score, "f1": score},
        {"learning_rate": 5e-5, "seeds": [0], "best": "squad.5e-5.seed-0", "exact": alone, "f1": alone},
    ]
    sweep = {"stage": "squad", "version_2": False, "questions": 10_570, "resamples": 2000, "rates": rates}
    write(tmp_path, {"trials.json": [sweep]})
    text = page(run(), tmp_path).text
    assert "squad 10,570 questions" in text
    assert "3e-5 2 80.12 ± 0.25 79.25 to 81.00 80.50 80.12 ± 0.25 79.25 to 81.00 80.50 squad.3e-5.seed-1" in text
    assert "5e-5 1 80.12 79.25 to 81.00 80.50" in text
    assert "2,000 times the questions" in text


def test_the_settings_in_the_page_give_the_same_run_again(tmp_path: Path) -> None:
    asked = run(corpus={"sources": [{"path": "books/*.txt"}]}, seed=7)
    source = page(asked, tmp_path).texts
    settings = next(text for text in source if text.startswith("name: quickstart"))
    assert schema.Run.model_validate(yaml.safe_load(settings)) == asked


def test_a_saved_configuration_is_what_the_command_names(tmp_path: Path) -> None:
    write(tmp_path, {"run.yaml": "name: quickstart"})
    assert f"berth run {tmp_path}/run.yaml name=quickstart-2" in page(run(), tmp_path).text


def test_the_command_names_a_valid_run_however_long_the_name(tmp_path: Path) -> None:
    asked = run(name="a" * 37 + "-bc")
    name = re.search(r"name=(\S+)", page(asked, tmp_path).text)
    assert name
    assert run(name=name[1]).name != asked.name


def test_a_manifest_of_another_shape_is_refused(finished: Path) -> None:
    write(finished, {"corpus/corpus.json": {"totals": {"train": {}}}})
    with pytest.raises(DataError, match="not a corpus manifest"):
        write_report(run(), str(finished))
