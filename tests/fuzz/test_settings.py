"""Runs, corpora, values of the charts and prices in YAML, and overrides."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.damage import REFUSED, at_length, damaged
from trainer.compute import gpus
from trainer.config import load
from trainer.launch.release import planned

ROOT = Path(__file__).parents[2]
RUN = (ROOT / "trainer/recipes/bert-base-two-phase.yaml").read_bytes()
CORPUS = b"storage: corpora/x\ncorpus: {sources: [{path: a.txt, documents: line}], held_out: 0.1}\nvocab: {size: 300}\n"
VALUES = (ROOT / "charts/berth/examples/cpu-smoke.yaml").read_bytes()
PRICES = b"h100: 2.50\na100-80gb: 1.2\n"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "x.yaml"


READERS: dict[str, tuple[bytes, Callable[[str], object]]] = {
    "a run": (RUN, load.load),
    "a corpus": (CORPUS, load.load_corpus),
    "values": (VALUES, lambda file: planned("quickstart", (), [file], None, "berth")),
    "prices": (PRICES, gpus.prices),
}


@pytest.mark.parametrize("kind", READERS)
@at_length
@given(draw=st.data())
def test_a_file(file: Path, kind: str, draw: st.DataObject) -> None:
    valid, read = READERS[kind]
    file.write_bytes(draw.draw(damaged(valid)))
    with contextlib.suppress(REFUSED):
        read(str(file))


NAMES = st.sampled_from(
    ["pretrain", "squad", "0", "1", "-1", "max_steps", "scaling", "num_workers", "model", "corpus", "sources", ""]
)


@at_length
@given(
    names=st.lists(NAMES | st.text(max_size=5), max_size=5), value=damaged(b"[1, {a: 2}, 'x']") | st.binary(max_size=10)
)
def test_an_override(names: list[str], value: bytes) -> None:
    with contextlib.suppress(REFUSED):
        load.load("quickstart", (f"{'.'.join(names)}={value.decode('utf-8', 'replace')}",))
