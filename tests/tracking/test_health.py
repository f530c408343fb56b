"""What the report reads of doctor.json, and where there is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.tracking.health import read_health

DRAWN = {
    "stage": "pretrain",
    "samples": 100,
    "max_length": 32,
    "mask_rate": 0.15,
    "masked": 0.8,
    "replaced": 0.11,
    "random_next": 0.5,
    "padding": 0.3,
    "bin_width": 16,
    "bins": [40, 60],
    "of a later version": 1,
}
FOUND: dict[str, Any] = {
    "examined": 1,
    "duplicate_documents": 0.12,
    "duplicate_sentences": None,
    "unknown_rate": 0.02,
    "unknown_words": {f"w{number}": 100 - number for number in range(50)},
    "languages": {"en": 0.9, "de": 0.1},
    "left_out": {},
    "drawn": [DRAWN],
    "warnings": [{"problem": "12 % of your documents came before", "remedy": "set corpus.cleaning.duplicates"}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "doctor.json").write_text(json.dumps(FOUND))
    return tmp_path / "doctor.json"


def test_what_is_shown_is_read(file: Path) -> None:
    health = read_health(str(file))
    assert health is not None
    assert health.worst_words == [f"w{number}" for number in range(8)]
    (drawn,) = health.drawn
    assert drawn.kept == pytest.approx(0.09)
    assert 'id="lengths-1-title"' in drawn.chart(1)
    (concern,) = health.warnings
    assert concern.remedy == "set corpus.cleaning.duplicates"


def test_a_corpus_that_nobody_looked_at_has_none(tmp_path: Path) -> None:
    assert read_health(f"{tmp_path}/doctor.json") is None


@pytest.mark.parametrize("content", ["", "[]", "{}", "null"])
def test_a_file_of_another_kind_has_none(file: Path, content: str) -> None:
    file.write_text(content)
    assert read_health(str(file)) is None
