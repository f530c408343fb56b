"""A diagnosis -> a page for the terminal, from 60 columns on; plain text where it is none."""

from collections.abc import Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trainer.config.redaction import without_credentials
from trainer.data.doctor.advice import percent
from trainer.data.doctor.census import SENTENCE
from trainer.data.doctor.diagnosis import Diagnosis, Drawn

_WORDS = 10
"""Unknown words that are shown."""
_LANGUAGES = 6
_BAR = 30


def page(found: Diagnosis, console: Console) -> Group:
    """All of it, the warnings last, where a terminal stops."""
    bar = "█" if console.encoding.lower().startswith("utf") else "#"
    return Group(*_parts(found, bar))


def _parts(found: Diagnosis, bar: str) -> Iterator[RenderableType]:
    yield Text(without_credentials(found.corpus), style="bold", overflow="fold")
    yield _heading("Amount")
    yield _amounts(found)
    if found.left_out:
        yield Text(f"left out: {_listed({name: f'{count:,}' for name, count in found.left_out.items()})}")
    yield _heading("Text")
    yield _facts(dict(_about_text(found)))
    for stage in found.drawn:
        assumed = ", with Berth's default settings" if found.assumed else ""
        yield _heading(f"Instances of {stage.stage}{assumed}")
        yield _facts(dict(_about_stage(stage, found.assumed)))
        yield _histogram(stage, bar)
    if found.strangers:
        yield _heading("Strangest documents")
        yield Text(
            "nats: mean -log p of the tokens. repeats: share of the runs of 5 tokens that came before.", style="dim"
        )
        yield _strangers(found)
    yield _heading("Warnings" if found.warnings else "No warnings")
    for number, concern in enumerate(found.warnings, start=1):
        yield Text.assemble(f"{number}. ", (concern.problem, "bold yellow"))
        yield Padding(Text(concern.remedy), (0, 0, 0, 3))


def _amounts(found: Diagnosis) -> Table:
    table = _table("split", "source")
    for heading in ("documents", "sentences", "tokens") if found.kind == "documents" else ("instances", "tokens"):
        table.add_column(heading, justify="right", no_wrap=True)
    for amount in found.amounts:
        counts = [amount.documents, amount.sentences, amount.tokens]
        if found.kind == "instances":
            counts.pop(1)
        source = Text(_printable(without_credentials(amount.source)))
        table.add_row(amount.split, source, *[f"{count:,}" for count in counts])
    return table


def _about_text(found: Diagnosis) -> Iterator[tuple[str, str]]:
    rows = found.kind if found.kind == "instances" else "documents"
    if found.examined < 1:
        yield "looked at", f"{percent(found.examined)} of the tokens, evenly spread; repeats among all are more"
    yield "shards", "each is what was written (SHA-256)" if found.checked else "not compared with their SHA-256"
    yield (
        "duplicates",
        f"{percent(found.duplicate_documents)} of the {rows}"
        + (
            ""
            if found.duplicate_sentences is None
            else f", {percent(found.duplicate_sentences)} of the sentences of {SENTENCE} tokens or more"
        ),
    )
    if found.single_sentences is not None:
        yield "one sentence", f"{percent(found.single_sentences)} of the documents"
    yield "repetitive", f"{percent(found.repetitive)} of the {rows}"
    casing = "lower-cased" if found.lowercase else f"cased, {percent(found.capitals or 0)} of the words begin large"
    yield "vocabulary", f"{found.vocab_size:,} pieces, {casing}; unigram entropy {found.unigram_entropy:.2f} nats"
    yield "unknown", f"{percent(found.unknown_rate)} of the tokens"
    if found.unknown_words:
        worst = dict(list(found.unknown_words.items())[:_WORDS])
        yield "unknown words", _listed({word: f"{count:,}" for word, count in worst.items()})
    if found.languages:
        spoken = dict(list(found.languages.items())[:_LANGUAGES])
        told = _listed({code: percent(share) for code, share in spoken.items()})
        yield "languages", f"{told} (of {found.language_samples:,} {rows} looked at)"


def _about_stage(stage: Drawn, assumed: bool) -> Iterator[tuple[str, str]]:
    epochs = "" if assumed else f"; the stage goes through {stage.epochs:,.1f} epochs"
    yield (
        "drawn",
        f"{stage.samples:,} of {stage.epoch:,} in an epoch{epochs}",
    )
    kept = 1 - stage.masked - stage.replaced
    yield (
        "masks",
        f"{percent(stage.mask_rate)} of the tokens: {percent(stage.masked)} [MASK], "
        f"{percent(stage.replaced)} random, {percent(kept)} kept",
    )
    if stage.random_next is not None:
        yield "next sentence", f"random in {percent(stage.random_next)} of the pairs"
    yield "padding avoided", f"{percent(stage.padding)} of a classic batch, padded to {stage.max_length} tokens"


def _histogram(stage: Drawn, bar: str) -> Table:
    table = _table("tokens")
    table.add_column("instances", justify="right", no_wrap=True)
    table.add_column("")
    most = max(stage.bins)
    for number, count in enumerate(stage.bins):
        first, last = number * stage.bin_width + 1, min((number + 1) * stage.bin_width, stage.max_length)
        table.add_row(f"{first}-{last}", f"{count:,}", bar * round(_BAR * count / most))
    return table


def _strangers(found: Diagnosis) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    places = [f"{stranger.shard.removesuffix('.arrow')}:{stranger.row}" for stranger in found.strangers]
    table.add_column("shard:row", width=max(map(len, places)))
    table.add_column("nats", justify="right", width=4)
    table.add_column("repeats", justify="right", width=7)
    table.add_column("begins", no_wrap=True, overflow="ellipsis", ratio=1)
    for place, stranger in zip(places, found.strangers, strict=True):
        figures = (f"{stranger.surprise:.1f}", percent(stranger.repeated))
        table.add_row(place, *figures, Text(_printable(stranger.text)))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _facts(facts: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        table.add_row(name, Text(_printable(fact)))
    return table


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _listed(items: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in items.items())


def _printable(text: str) -> str:
    """Without characters that would move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)
