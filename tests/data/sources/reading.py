"""Reads a source as a preparation does: its documents, then the text of each."""

from pathlib import Path

from trainer.config.corpus import Source
from trainer.data.sources import documents, text_of


def texts(path: Path | str, form: str, **settings: object) -> list[str]:
    """The text of each document, the empty ones left out."""
    source = Source.model_validate({"path": str(path), "format": form, **settings})
    return [text for text in (text_of(source, document) for document in documents(source, str(path))) if text]
