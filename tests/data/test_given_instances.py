from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.preprocessed.making import CLS, MASK, SEP, Row, World, write_dle
from tests.data.preprocessed.preparing import make
from trainer.config.schema import Pretrain
from trainer.data.batches import PretrainSamples, Sample
from trainer.data.cutting import is_held_out
from trainer.data.given_instances import GivenInstances
from trainer.data.masking import Masking
from trainer.data.randomness import generator
from trainer.data.vocab import SpecialIds
from trainer.errors import ConfigError

STAGE = Pretrain(max_length=64, max_predictions=10, batch_size=16)
NO_DRAWS = np.zeros(3)
"""Given instances need none."""


@pytest.fixture(scope="module")
def world() -> World:
    return World.of(towns=50)


def instances(folder: Path, world: World, split: str = "train", stage: Pretrain = STAGE) -> GivenInstances:
    special = SpecialIds(pad=0, unk=1, cls=2, sep=3, mask=4)
    masking = Masking(special, np.zeros(len(world.pieces), np.bool_), stage)
    return GivenInstances(str(folder / "corpus"), split, stage, masking)  # pyright: ignore[reportArgumentType]


def undone(sample: Sample) -> list[int]:
    ids = sample.input_ids.copy()
    ids[sample.masked_positions] = sample.labels
    return ids.tolist()


def as_row(sample: Sample) -> Row:
    shown = sample.input_ids[sample.masked_positions].tolist()
    assert sample.next_sentence_label is not None
    first = int((sample.token_type_ids == 0).sum())
    assert sample.token_type_ids.tolist() == [0] * first + [1] * (sample.token_type_ids.size - first)
    return Row(undone(sample), first, sample.masked_positions.tolist(), shown, sample.next_sentence_label)


def test_kept_masks_are_those_of_the_file_in_every_epoch(tmp_path: Path, world: World) -> None:
    rows = world.rows(300)
    make(tmp_path / "run", world, write_dle(tmp_path / "a.hdf5", rows))
    for split in ("train", "held_out"):
        wanted = [row for number, row in enumerate(rows) if is_held_out(number, 0.1) == (split == "held_out")]
        found = instances(tmp_path / "run", world, split)
        assert len(found) == len(wanted)
        for epoch in range(2):
            samples = [found.sample(number, NO_DRAWS, generator(0, epoch, number)) for number in range(len(found))]
            assert [as_row(sample) for sample in samples] == wanted


def test_drawn_masks_are_others_in_every_epoch_on_the_true_tokens(tmp_path: Path, world: World) -> None:
    rows = world.rows(300)
    make(tmp_path / "run", world, write_dle(tmp_path / "a.hdf5", rows), masks="draw", held_out=0)
    found = instances(tmp_path / "run", world)
    seen = [
        [found.sample(number, NO_DRAWS, generator(0, epoch, number)) for number in range(300)] for epoch in range(2)
    ]
    for samples in seen:
        assert [undone(sample) for sample in samples] == [row.tokens for row in rows]
        assert [sample.next_sentence_label for sample in samples] == [row.is_random for row in rows]
    first, second = ([sample.masked_positions.tolist() for sample in samples] for samples in seen)
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 30
    shown = np.concatenate([sample.input_ids[sample.masked_positions] for sample in seen[0]])
    assert 0.7 < (shown == MASK).mean() < 0.9


def test_instances_of_a_source_are_counted(tmp_path: Path, world: World) -> None:
    first, second = world.rows(120), world.rows(60, seed=1)
    paths = write_dle(tmp_path / "a.hdf5", first), write_dle(tmp_path / "b.hdf5", second)
    made = make(tmp_path / "run", world, *paths, held_out=0, weights=(1, 2))
    found = instances(tmp_path / "run", world)
    assert found.counts == [120, 60]
    assert as_row(found.sample(120, NO_DRAWS, generator(0))) == second[0]
    samples = PretrainSamples(found, made.weights, STAGE.batch_size, seed=1)
    assert len(samples) == 240
    epoch = [as_row(sample) for step in range(15) for sample in samples.samples(step, 0, 1)]
    assert sorted(epoch) == sorted([*first, *second, *second])


def test_without_next_sentence_prediction_there_is_no_label(tmp_path: Path, world: World) -> None:
    make(tmp_path / "run", world, write_dle(tmp_path / "a.hdf5", world.rows(5)), held_out=0)
    stage = STAGE.model_copy(update={"next_sentence_prediction": False})
    assert instances(tmp_path / "run", world, stage=stage).sample(0, NO_DRAWS, generator(0)).next_sentence_label is None


def test_instances_that_are_too_long_for_the_stage_are_refused(tmp_path: Path, world: World) -> None:
    rows = world.rows(100)
    longest = max(len(row.tokens) for row in rows)
    make(tmp_path / "run", world, write_dle(tmp_path / "a.hdf5", rows), held_out=0)
    assert len(instances(tmp_path / "run", world, stage=STAGE.model_copy(update={"max_length": longest}))) == 100
    problem = rf"pretrain\.max_length: is 48, and the corpus has instances of up to {longest} tokens; set it to"
    with pytest.raises(ConfigError, match=problem):
        instances(tmp_path / "run", world, stage=STAGE.model_copy(update={"max_length": 48}))


def test_whole_word_masks_are_refused_where_masks_are_kept(tmp_path: Path, world: World) -> None:
    stage = STAGE.model_copy(update={"whole_word_masking": True})
    path = write_dle(tmp_path / "a.hdf5", world.rows(5))
    make(tmp_path / "kept", world, path, held_out=0)
    with pytest.raises(ConfigError, match=r"pretrain\.whole_word_masking: is true, and the corpus keeps the masks"):
        instances(tmp_path / "kept", world, stage=stage)
    make(tmp_path / "drawn", world, path, masks="draw", held_out=0)
    assert len(instances(tmp_path / "drawn", world, stage=stage)) == 5


@st.composite
def any_row(draw: st.DrawFn, vocab_size: int = 300) -> Row:
    length = draw(st.integers(4, 40))
    ids = st.integers(0, vocab_size - 1)
    tokens = [CLS, *draw(st.lists(ids, min_size=length - 2, max_size=length - 2)), SEP]
    positions = draw(st.lists(st.integers(1, length - 2), unique=True, min_size=1, max_size=8))
    shown = draw(st.lists(ids, min_size=len(positions), max_size=len(positions)))
    return Row(tokens, draw(st.integers(1, length)), sorted(positions), shown, draw(st.integers(0, 1)))


@settings(max_examples=25)
@given(st.lists(any_row(), min_size=1, max_size=30), st.integers(1, 40))
def test_any_rows_come_back_from_shards_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, world: World, rows: list[Row], rows_per_shard: int
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    path = write_dle(folder / "a.hdf5", rows)
    make(folder / "run", world, path, held_out=0, documents_per_shard=rows_per_shard)
    found = instances(folder / "run", world)
    assert [as_row(found.sample(number, NO_DRAWS, generator(0))) for number in range(len(found))] == rows
