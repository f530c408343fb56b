"""A few of the cycles of `python -m tests.soak submits`, on real objects and pods that only seem to run."""

import pytest

from tests.cluster.conftest import Cluster
from tests.soak import submits

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]


def test_runs_that_are_submitted_and_deleted_again_and_again_leave_nothing(cluster: Cluster, namespace: str) -> None:
    cluster.lane("fake", "2")
    assert submits.soak(namespace, cycles=6, by_helm=3, at_once=2, minutes=5) == []
