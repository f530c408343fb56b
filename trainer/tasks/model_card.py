"""README.md of a model directory: what the model is, how it was made and what it scores, as the hub shows it.

In: the folder of a finished stage, and what its run's folder holds beside it. Out: Markdown below YAML front matter,
which the hub reads. The licence is left out: it follows from the text, and only its owner can give it. Scores on other
questions than SQuAD's official ones are called by another name, so that no leaderboard takes them for those.
"""

import re
from typing import Any

import yaml

from trainer import storage
from trainer.config.load import parse
from trainer.config.redaction import without_credentials
from trainer.config.schema import Pretrain, Run, Squad
from trainer.data import manifest
from trainer.data.manifest import Manifest
from trainer.model import hf_config
from trainer.model.encoder import AnyBert
from trainer.tracking import formatting
from trainer.tracking.card import card, comparison
from trainer.tracking.stages import Result, Stage, read_stage

_TASKS = {
    "BertForMaskedLM": "fill-mask",
    "BertForPreTraining": "fill-mask",
    "BertForQuestionAnswering": "question-answering",
    "BertModel": "feature-extraction",
}
_OFFICIAL = {False: ("squad", "SQuAD v1.1"), True: ("squad_v2", "SQuAD v2.0")}


def write(model: AnyBert, source: str) -> str:
    """The text of README.md for a model from `source`: a stage's folder, or a model that came from elsewhere.

    Raises:
        DataError: a file of the stage or its run holds something else than it should.
        StorageError: one cannot be read.
    """
    architecture = hf_config.architecture(model)
    front: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": _TASKS[architecture],
        "tags": ["bert", "berth"],
    }
    run_folder, _, name = source.rstrip("/").rpartition("/")
    config = storage.join(run_folder, "run.yaml")
    if run_folder and storage.exists(config):
        run = parse(storage.read_text(config), config)
        stages = {stage.name: read_stage(stage, storage.join(run_folder, stage.name)) for stage in run.stages}
        if name in stages and stages[name].result is not None:
            return _of_stage(run, stages, name, front, _corpus(run_folder), model)
    origin = f"\n# BERT\n\nOpened from `{without_credentials(source)}` and written by Berth.\n"
    return _front_matter(front) + origin + _use(architecture)


def _of_stage(
    run: Run, stages: dict[str, Stage], name: str, front: dict[str, Any], corpus: Manifest | None, model: AnyBert
) -> str:
    stage = stages[name]
    result = stage.result
    assert result is not None, "asked of finished stages"
    ancestors = [stages[settings.name] for settings in run.pretrain if _precedes(run, settings, stage.settings)]
    if run.corpus and run.corpus.cleaning.languages:
        front["language"] = list(run.corpus.cleaning.languages)
    index = _index(run, result) if isinstance(stage.settings, Squad) else {}
    datasets = [*_hub_datasets(run), *index.pop("datasets", [])]
    front |= {**({"datasets": datasets} if datasets else {}), **index}
    sections = [
        f"# {run.name}: {name}",
        f"{_shape(model)} {_origin(stage.settings)} Stage `{name}` of the run `{run.name}`, finished on "
        f"{formatting.instant(result.finished)}.",
        "## Scores\n\n" + _scores(run, stage.settings, result),
        "## Data\n\n" + _data(run, stage.settings, corpus),
        "## Recipe\n\n" + _recipe(run, stage.settings),
        "## Cost\n\n" + _cost(run, [*ancestors, stage]),
    ]
    return _front_matter(front) + "\n" + "\n\n".join(sections) + "\n" + _use(hf_config.architecture(model))


def _origin(settings: Pretrain | Squad) -> str:
    if isinstance(settings, Squad) and settings.model:
        return f"Fine-tuned by Berth from `{without_credentials(settings.model)}`."
    return "Trained from scratch by Berth."


def _hub_datasets(run: Run) -> list[str]:
    """Names on the hub of the text that is from there."""
    text = run.corpus.sources if run.corpus else ()
    found = [re.match(r"hf://datasets/([\w.-]+/[\w.-]+)", source.path) for source in text]
    return sorted({match[1] for match in found if match})


def _precedes(run: Run, phase: Pretrain, settings: Pretrain | Squad) -> bool:
    """Whether the weights of a stage went through this phase of pretraining before."""
    if isinstance(settings, Squad):
        return settings.model is None
    return run.pretrain.index(phase) < run.pretrain.index(settings)


def _front_matter(front: dict[str, Any]) -> str:
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n"


def _index(run: Run, result: Result) -> dict[str, Any]:
    """The hub's model-index: scores that it can show and compare."""
    official = run.world is None and result.score("total") == card(result.version_2).questions
    kind, title = _OFFICIAL[result.version_2] if official else ("own", "own questions in SQuAD's format")
    metrics = [
        {"type": metric, "name": label, "value": round(score, 2)}
        for metric, label, key in (("exact_match", "Exact match", "exact"), ("f1", "F1", "f1"))
        if (score := result.score(key)) is not None
    ]
    task = {"type": "question-answering", "name": "Question answering"}
    dataset = {"type": kind, "name": title, "split": "validation"}
    entry = {"name": run.name, "results": [{"task": task, "dataset": dataset, "metrics": metrics}]}
    return {
        **({"datasets": [kind]} if official else {}),
        "metrics": [metric["type"] for metric in metrics],
        "model-index": [entry],
    }


def _shape(model: AnyBert) -> str:
    config = model.config
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return (
        f"A BERT of {config.num_hidden_layers} layers, {config.hidden_size} wide, with {config.num_attention_heads} "
        f"attention heads, {formatting.grouped(model.vocab_size)} WordPiece pieces and "
        f"{formatting.grouped(parameters)} parameters, for up to {config.max_position_embeddings} tokens."
    )


def _scores(run: Run, settings: Pretrain | Squad, result: Result) -> str:
    if isinstance(settings, Pretrain):
        held_out = {name: value for name, value in sorted(result.metrics.items()) if name.startswith("eval/")}
        if not held_out:
            return "No text was held out to score on."
        rows = [f"| {name.removeprefix('eval/')} | {value:.4f} |" for name, value in held_out.items()]
        return "On text that was held out:\n\n| metric | value |\n|---|---|\n" + "\n".join(rows)
    published = card(result.version_2)
    exact, f1 = (formatting.score(result.score(name)) for name in ("exact", "f1"))
    return (
        f"| model | EM | F1 |\n|---|---|---|\n| this one | {exact} | {f1} |\n"
        f"| NVIDIA’s `{published.name}` | {published.exact:.2f} | {published.f1:.2f} |\n\n"
        f"{comparison(run, result.version_2, result.score('total'))}"
    )


def _data(run: Run, settings: Pretrain | Squad, corpus: Manifest | None) -> str:
    lines: list[str] = []
    if run.world:
        lines.append("- text and questions about an invented world, generated from a seed")
    if corpus and run.pretrain:
        totals = corpus.totals["train"]
        lines.append(
            f"- pretraining: {formatting.grouped(totals.documents)} documents, "
            f"{formatting.grouped(totals.tokens)} tokens (SHA-256 of the text: `{corpus.text_sha256}`)"
        )
    if run.corpus:
        lines += [f"- source: `{without_credentials(source.path)}`" for source in run.corpus.sources]
        lines += [f"- prepared corpus: `{without_credentials(run.corpus.prepared)}`"] if run.corpus.prepared else []
    if isinstance(settings, Squad):
        lines += [f"- questions to learn from: `{without_credentials(uri)}`" for uri in settings.train]
        lines.append(f"- questions of the scores: `{without_credentials(settings.dev)}`")
    return "\n".join(lines)


def _recipe(run: Run, settings: Pretrain | Squad) -> str:
    """The settings that were set, of the whole run: what repeats it."""
    set_by_user = without_credentials(run.model_dump(mode="json", exclude_defaults=True))
    optimizer = settings.optimizer
    steps = (
        f"{formatting.grouped(settings.max_steps)} steps"
        if isinstance(settings, Pretrain)
        else f"{settings.epochs:g} epochs"
    )
    summary = (
        f"{steps} of {settings.batch_size} samples of at most {settings.max_length} tokens, {optimizer.kind} with a "
        f"peak learning rate of {optimizer.learning_rate:g}, {settings.schedule.kind} schedule, seed "
        f"{run.seed_of(settings)}. `berth run` repeats it from this file:"
    )
    return f"{summary}\n\n```yaml\n{yaml.safe_dump(set_by_user, sort_keys=False, width=100)}```"


def _cost(run: Run, stages: list[Stage]) -> str:
    kind = "GPU" if run.scaling.gpus_per_worker else "CPU worker"
    rows = [
        f"| {stage.name} | {formatting.grouped(stage.result.steps)} | {formatting.grouped(stage.result.tokens)} | "
        f"{stage.result.workers} | {formatting.duration(stage.result.seconds)} | "
        f"{stage.result.seconds * stage.result.workers / 3600:.2f} |"
        for stage in stages
        if stage.result
    ]
    heading = f"| stage | steps | tokens | workers | time | {kind} hours |\n|---|---|---|---|---|---|\n"
    return heading + "\n".join(rows) + "\n\nWorkers are those at the end; time is that of training alone."


def _corpus(run_folder: str) -> Manifest | None:
    uri = storage.join(run_folder, "corpus", "corpus.json")
    return manifest.read(uri, Manifest) if storage.exists(uri) else None


def _use(architecture: str) -> str:
    return f"""
## Use

```python
from transformers import AutoTokenizer, {architecture}

model = {architecture}.from_pretrained("<this directory>")
tokenizer = AutoTokenizer.from_pretrained("<this directory>")
```
"""
