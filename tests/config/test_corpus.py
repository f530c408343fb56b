from typing import Any

import pytest
from pydantic import ValidationError

from trainer.config.corpus import Corpus


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sources": [{"path": "a"}, {"path": "b", "format": "hdf5"}]}, "sources are text and instances"),
        (
            {"sources": [{"path": "a", "format": "hdf5", "masks": "keep"}, {"path": "b", "format": "lddl"}]},
            "masks is `keep` for some sources and `draw` for others",
        ),
        (
            {"sources": [{"path": "a", "format": "lddl"}], "cleaning": {"duplicates": "exact"}},
            "cleaning is set, and instances",
        ),
        ({"prepared": "a", "cleaning": {"min_characters": 5}}, "cleaning is set, and the corpus at a has its own"),
        ({"sources": [{"path": "a", "weight": 0}]}, "greater than 0"),
        ({"sources": [{"path": "a", "format": "word"}]}, "'text', 'books'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Corpus.model_validate(settings)


def test_instances_are_told_from_text() -> None:
    assert Corpus.model_validate({"sources": [{"path": "a", "format": "hdf5"}]}).is_preprocessed
    assert not Corpus.model_validate({"sources": [{"path": "a", "format": "mediawiki"}]}).is_preprocessed
