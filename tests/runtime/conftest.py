import warnings
from collections.abc import Iterator

import pytest

from tests.test_storage_faults import faulty, server  # noqa: F401 - fixtures
from trainer.runtime import nodes


@pytest.fixture(scope="module")
def real_ray() -> Iterator[None]:
    """Ray on this machine, as a run starts it."""
    with nodes.connected():
        yield
        warnings.simplefilter("ignore", ResourceWarning)  # it does not wait for all the processes that it ends
