import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import storage
from trainer.data.sources.lines import LONGEST_LINE, lines
from trainer.errors import DataError


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\ufeff"), max_size=20)))
def test_every_line_is_read_back(written: list[str]) -> None:
    storage.write_text("memory://test-lines/a.txt", "".join(f"{line}\n" for line in written))
    assert list(lines("memory://test-lines/a.txt")) == written


def test_lines_may_end_anywhere_in_a_block(tmp_path: Path) -> None:
    written = ["ü" * length for length in (1 << 19, (1 << 19) - 1, 0, 3 << 20, 1)]
    (tmp_path / "a.txt").write_text("\n".join(written))
    assert list(lines(str(tmp_path / "a.txt"))) == written


def test_a_line_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as stream:
        stream.write(b"one\n")
        stream.truncate(1 << 40)  # a TiB, of which the disk holds one block
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a\.txt: line 2 is longer than 64 MB; break it into lines"):
        list(lines(str(tmp_path / "a.txt")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * LONGEST_LINE
