"""Reads a file as the preparation does, and gives its rows in the words of the tests."""

from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.data.preprocessed.making import Row
from trainer.config.corpus import Source
from trainer.data import preprocessed
from trainer.data.preprocessed.rows import Vocabulary


def read(path: Path, vocabulary: Vocabulary, **settings: Any) -> list[Row]:
    kind = "lddl" if ".parquet" in path.name else "hdf5"
    source = Source.model_validate({"path": str(path), "format": kind, **settings})
    ends = list(accumulate(preprocessed.blocks(source, str(path))))
    return [
        Row(
            row["tokens"],
            row["first_length"],
            row["masked_positions"],
            row["shown_ids"],
            row["next_sentence_label"],
        )
        for start, end in zip([0, *ends], ends, strict=False)
        for row in preprocessed.instances(source, str(path), start, end, vocabulary).to_pylist()
    ]
