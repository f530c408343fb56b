import pytest

from tests.test_storage_faults import faulty, server  # noqa: F401 - fixtures
from trainer.config.schema import Training


@pytest.fixture
def settings() -> Training:
    return Training(batch_size=8, micro_batch_size=4, max_length=16, log_every=2, precision="fp32")
