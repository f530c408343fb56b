from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from trainer.config.corpus import Corpus, Source
from trainer.data.cutting import is_held_out
from trainer.data.preprocessed.cutting import Block, Cut, cut
from trainer.data.shards import Place

SIZES = st.lists(st.lists(st.integers(1, 40), max_size=6), min_size=1, max_size=3)


def corpus(rows_per_shard: int, held_out: float = 0.2) -> Corpus:
    return Corpus(sources=(Source(path="a", format="hdf5"),), documents_per_shard=rows_per_shard, held_out=held_out)


def blocks(sizes: list[list[int]]) -> list[Block]:
    """A file for each block of each source."""
    return [
        Block(source, f"{source}-{number}", 0, size)
        for source, of_source in enumerate(sizes)
        for number, size in enumerate(of_source)
    ]


def numbered(cuts: list[Cut]) -> dict[Place, list[int]]:
    """Each shard's rows, counted through all blocks."""
    found: dict[Place, list[int]] = {}
    first = 0
    for block, shares in cuts:
        for share in shares:
            found.setdefault(share.place, []).extend((first + share.rows).tolist())
        first += block.end - block.start
    return found


@given(SIZES, st.integers(1, 50))
def test_every_row_is_in_one_shard_of_its_split_and_source(sizes: list[list[int]], rows_per_shard: int) -> None:
    found = numbered(list(cut(blocks(sizes), corpus(rows_per_shard), lambda _place: True)))
    total = sum(map(sum, sizes))
    assert sorted(row for rows in found.values() for row in rows) == list(range(total))
    ends = [sum(map(sum, sizes[: number + 1])) for number in range(len(sizes))]
    for place, rows in found.items():
        assert rows == sorted(rows)
        assert len(rows) <= rows_per_shard
        assert {is_held_out(row, 0.2) for row in rows} == {place.split == "held_out"}
        assert all(row < ends[place.source] and (place.source == 0 or row >= ends[place.source - 1]) for row in rows)
    for split in ("train", "held_out"):
        numbers = [place.number for place in found if place.split == split]
        assert numbers == list(range(len(numbers)))
        full = Counter(place.source for place in found if place.split == split and len(found[place]) == rows_per_shard)
        parts = Counter(place.source for place in found if place.split == split)
        assert all(parts[source] - full[source] <= 1 for source in parts)


@given(SIZES, st.integers(1, 50), st.integers(2, 4))
def test_parts_agree_without_reading_each_other_s_rows(sizes: list[list[int]], rows: int, parts: int) -> None:
    whole = numbered(list(cut(blocks(sizes), corpus(rows), lambda _place: True)))
    shared: dict[Place, list[int]] = {}
    for part in range(parts):
        found = numbered(list(cut(blocks(sizes), corpus(rows), lambda place, part=part: place.number % parts == part)))
        assert shared.keys().isdisjoint(found)
        shared |= found
    assert shared == whole


def test_blocks_without_a_wanted_row_need_not_be_read() -> None:
    asked: list[Place] = []

    def second(place: Place) -> bool:
        asked.append(place)
        return place.number == 1

    cuts = list(cut(blocks([[10] * 4]), corpus(20, held_out=0), second))
    assert [bool(one.shares) for one in cuts] == [False, False, True, True]
    assert asked == [Place("train", 0, 0), Place("train", 1, 0)]
