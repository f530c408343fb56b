import pytest

from tests.data.preprocessed.making import World
from trainer.data.preprocessed.rows import Vocabulary
from trainer.data.vocab import SpecialIds


@pytest.fixture(scope="session")
def world() -> World:
    return World.of(towns=50)


@pytest.fixture(scope="session")
def vocabulary(world: World) -> Vocabulary:
    return Vocabulary(tuple(world.pieces), SpecialIds(pad=0, unk=1, cls=2, sep=3, mask=4))
