from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.data.making import files
from tests.data.preprocessed.making import CLS, SEP, Row, World, write_binned, write_dle, write_lddl, write_mlperf
from tests.data.preprocessed.preparing import make, make_part
from trainer import storage
from trainer.data.corpus_parts import Part, unigram_entropy
from trainer.data.cutting import is_held_out
from trainer.errors import ConfigError, DataError


def columns(shard: Path) -> list[dict[str, object]]:
    return pa.ipc.open_file(shard.read_bytes()).get_batch(0).to_pylist()


@pytest.fixture
def rows(world: World) -> list[Row]:
    return world.rows(700)


@pytest.fixture
def data(tmp_path: Path, rows: list[Row]) -> Path:
    """Two files of NVIDIA's."""
    (tmp_path / "data").mkdir()
    write_dle(tmp_path / "data" / "part_1.hdf5", rows[400:])
    write_dle(tmp_path / "data" / "part_0.hdf5", rows[:400])
    return tmp_path / "data"


def test_the_manifest_counts_what_is_there(tmp_path: Path, data: Path, world: World, rows: list[Row]) -> None:
    made = make(tmp_path / "run", world, data)
    train = [row for number, row in enumerate(rows) if not is_held_out(number, 0.1)]
    assert made.kind == "instances"
    assert made.totals["train"].documents == len(train)
    assert made.totals["train"].documents + made.totals["held_out"].documents == 700
    assert made.totals["train"].tokens == sum(len(row.tokens) for row in train)
    assert [shard.documents for shard in made.shards if shard.split == "train"][:-1] == [100] * 6
    counts = np.bincount([token for row in train for token in row.tokens])
    counts[[CLS, SEP]] = 0
    assert made.unigram_entropy == pytest.approx(unigram_entropy(counts))


def test_other_layouts_of_the_same_rows_make_the_same_shards(tmp_path: Path, world: World, rows: list[Row]) -> None:
    ordered = write_binned(tmp_path / "binned", rows, world.pieces)
    write_dle(tmp_path / "dle.hdf5", ordered)
    write_mlperf(tmp_path / "mlperf.hdf5", ordered)
    write_lddl(tmp_path / "lddl.parquet", ordered, world.pieces, group=70)
    made = {
        name: {
            shard.name: (shard.documents, shard.tokens, columns(tmp_path / f"run-{name}" / "corpus" / shard.name))
            for shard in make(tmp_path / f"run-{name}", world, tmp_path / name, kind=kind).shards
        }
        for name, kind in (("dle.hdf5", "hdf5"), ("mlperf.hdf5", "hdf5"), ("lddl.parquet", "lddl"), ("binned", "lddl"))
    }
    assert made["dle.hdf5"] == made["mlperf.hdf5"] == made["lddl.parquet"] == made["binned"]


def test_parts_make_what_one_makes(tmp_path: Path, data: Path, world: World) -> None:
    whole = make(tmp_path / "whole", world, data)
    assert make_part(tmp_path / "parts", world, data, part=Part(1, 3)) is None
    assert make_part(tmp_path / "parts", world, data, part=Part(0, 3)) is None
    made = make_part(tmp_path / "parts", world, data, part=Part(2, 3))
    assert made is not None
    assert made.model_copy(update={"settings": whole.settings}) == whole
    assert files(tmp_path / "parts" / "corpus").keys() == files(tmp_path / "whole" / "corpus").keys()


def test_many_processes_make_what_one_makes(tmp_path: Path, world: World) -> None:
    (tmp_path / "data").mkdir()
    for number in range(4):
        write_dle(tmp_path / "data" / f"{number}.hdf5", world.rows(60, seed=number))
    one = make(tmp_path / "run", world, tmp_path / "data")
    before = files(tmp_path / "run")
    (tmp_path / "run" / "corpus" / "corpus.json").unlink()
    for shard in (tmp_path / "run" / "corpus").glob("*.arrow"):
        shard.unlink()
    assert make(tmp_path / "run", world, tmp_path / "data", processes=2) == one
    assert files(tmp_path / "run") == before


def test_finished_shards_are_not_made_again(tmp_path: Path, data: Path, world: World) -> None:
    run = tmp_path / "run"
    made = make(run, world, data)
    before = files(run)
    shards = {path: path.stat().st_ino for path in (run / "corpus").glob("*.arrow")}
    gone = run / "corpus" / "train-00003.arrow"
    gone.unlink()
    (run / "corpus" / "corpus.json").unlink()
    assert make(run, world, data) == made
    assert files(run) == before
    assert {path for path, inode in shards.items() if path.stat().st_ino != inode} <= {gone}


def test_files_that_changed_are_read_anew(tmp_path: Path, data: Path, world: World, rows: list[Row]) -> None:
    run = tmp_path / "run"
    make(run, world, data)
    (run / "corpus" / "corpus.json").unlink()
    changed = [row._replace(is_random=1 - row.is_random) for row in rows[400:]]
    write_dle(data / "part_1.hdf5", changed)
    make(run, world, data)
    labels = [
        row["next_sentence_label"] for path in sorted((run / "corpus").glob("train-*.arrow")) for row in columns(path)
    ]
    wanted = [*rows[:400], *changed]
    assert labels == [row.is_random for number, row in enumerate(wanted) if not is_held_out(number, 0.1)]


def test_files_may_lie_on_any_storage(
    tmp_path: Path, data: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path / "cache"))
    for path in data.iterdir():
        storage.write_bytes(f"memory://instances/{path.name}", path.read_bytes())
    there = make(tmp_path / "there", world, "memory://instances")
    here = make(tmp_path / "here", world, data)
    assert there.text_sha256 == here.text_sha256
    assert [columns(tmp_path / "there" / "corpus" / shard.name) for shard in there.shards] == [
        columns(tmp_path / "here" / "corpus" / shard.name) for shard in here.shards
    ]


def test_sources_have_shards_of_their_own(tmp_path: Path, data: Path, world: World) -> None:
    paths = (data / "part_0.hdf5", data / "part_1.hdf5")
    made = make(tmp_path / "run", world, *paths, weights=(1, 2.5))
    assert made.weights == (1, 2.5)
    numbers = [sum(shard.documents for shard in made.shards if shard.source == number) for number in (0, 1)]
    assert numbers == [400, 300]


def test_a_place_without_rows_is_refused(tmp_path: Path, world: World) -> None:
    write_dle(tmp_path / "none.hdf5", [])
    with pytest.raises(DataError, match=r"none\.hdf5: there is no row in it; check the path in corpus\.sources"):
        make(tmp_path / "run", world, tmp_path / "none.hdf5")
    with pytest.raises(DataError, match=r"nowhere: there is no such file or folder"):
        make(tmp_path / "run", world, tmp_path / "nowhere")


def test_a_corpus_with_other_masks_is_refused(tmp_path: Path, data: Path, world: World) -> None:
    make(tmp_path / "run", world, data)
    with pytest.raises(ConfigError, match=r'corpus\.sources: is .*"draw".* was made with .*"keep"'):
        make(tmp_path / "run", world, data, masks="draw")
