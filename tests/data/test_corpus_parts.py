import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.data.making import files, make, make_part, write_text
from trainer.data import corpus_parts
from trainer.data.corpus_parts import Part, unigram_entropy
from trainer.errors import ConfigError, DataError


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_corpus_is_the_same_at_any_number_of_parts(tmp_path: Path, count: int) -> None:
    source = write_text(tmp_path, documents=1000)
    whole = make(tmp_path / "whole", source)
    order = [*range(1, count), 0]
    for number in order[:-1]:
        assert make_part(tmp_path / "parts", source, Part(number, count)) is None
        assert not (tmp_path / "parts/corpus/corpus.json").exists()
    assert make_part(tmp_path / "parts", source, Part(order[-1], count)) == whole
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_each_part_makes_its_own_shards(tmp_path: Path) -> None:
    source = write_text(tmp_path, documents=1000)
    make_part(tmp_path, source, Part(1, 3), held_out=0)
    assert sorted(path.name for path in (tmp_path / "corpus").glob("*.arrow")) == [
        "train-00001.arrow",
        "train-00004.arrow",
        "train-00007.arrow",
    ]
    assert corpus_parts.done(str(tmp_path / "corpus"), 3) == 1


def test_there_may_be_more_parts_than_shards(tmp_path: Path) -> None:
    source = write_text(tmp_path)
    whole = make(tmp_path / "whole", source)
    for number in range(19):
        assert make_part(tmp_path / "parts", source, Part(number, 20)) is None
    assert make_part(tmp_path / "parts", source, Part(19, 20)) == whole


def test_a_finished_part_is_not_made_again(tmp_path: Path) -> None:
    source = write_text(tmp_path)
    make_part(tmp_path, source, Part(1, 2))
    before = files(tmp_path / "corpus")
    Path(source.path).unlink()
    assert make_part(tmp_path, source, Part(1, 2)) is None
    assert files(tmp_path / "corpus") == before


def test_another_number_of_parts_goes_on_with_the_shards_that_are_there(tmp_path: Path) -> None:
    source = write_text(tmp_path)
    make(tmp_path / "whole", source)
    make_part(tmp_path / "parts", source, Part(1, 4))
    shard = tmp_path / "parts/corpus/train-00001.arrow"
    before = shard.stat().st_ino
    make(tmp_path / "parts", source)
    assert shard.stat().st_ino == before
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_parts_that_are_finished_at_once_may_both_put_them_together(tmp_path: Path) -> None:
    source = write_text(tmp_path)
    make_part(tmp_path / "one", source, Part(0, 2))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    whole = make_part(tmp_path / "one", source, Part(1, 2))
    shutil.copytree(tmp_path / "two/corpus/parts", tmp_path / "one/corpus/parts")
    assert corpus_parts.put_together(str(tmp_path / "one/corpus"), 2) == whole, (
        "the other one has cleared its part away"
    )
    assert make_part(tmp_path / "one", source, Part(1, 2)) == whole
    assert not (tmp_path / "one/corpus/parts").exists(), "what was left is cleared away"


def test_parts_that_read_other_text_are_refused_and_made_again(tmp_path: Path) -> None:
    source = write_text(tmp_path)
    make_part(tmp_path, source, Part(0, 2))
    write_text(tmp_path, documents=390)
    with pytest.raises(DataError, match=r"corpus/parts: part 1 read other text than part 0.*; delete this folder"):
        make_part(tmp_path, source, Part(1, 2))
    shutil.rmtree(tmp_path / "corpus/parts")
    assert make_part(tmp_path, source, Part(1, 2)) is None
    assert make_part(tmp_path, source, Part(0, 2)) is not None


def test_another_corpus_is_not_begun_where_some_of_one_is_made(tmp_path: Path) -> None:
    uri = str(tmp_path)
    corpus_parts.begin(uri, {"corpus.held_out": 0.1}, Part(0, 4))
    corpus_parts.begin(uri, {"corpus.held_out": 0.1}, Part(3, 4))
    corpus_parts.begin(uri, {"corpus.held_out": 0.1}, Part(1, 2))
    corpus_parts.begin(uri, {"corpus.held_out": 0.15}, Part(1, 2))
    corpus_parts.begin(uri, {"corpus.held_out": 0.1}, Part(1, 2))
    (tmp_path / "train-00000.arrow").touch()
    with pytest.raises(ConfigError, match=r"corpus\.held_out: is 0\.2, but .* was made with 0\.1; set it back"):
        corpus_parts.begin(uri, {"corpus.held_out": 0.2}, Part(0, 4))


@pytest.mark.parametrize("text", ["", "3", "1/1", "2/2", "-1/2", "0/0", "a/b", "0/8 "])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--part: .* is no part; count from 0: 0/8, 1/8, up to 7/8"):
        Part.parse(text)


def test_a_part_is_read_as_it_is_written() -> None:
    assert Part.parse("3/8") == Part(3, 8)
    assert str(Part(3, 8)) == "3/8"


def test_unigram_entropy_is_that_of_the_frequencies() -> None:
    assert unigram_entropy(np.array([3, 0, 3, 3])) == pytest.approx(np.log(3))
    assert unigram_entropy(np.array([0, 9])) == 0
    assert unigram_entropy(np.array([1, 3])) == pytest.approx(0.25 * np.log(4) + 0.75 * np.log(4 / 3))
