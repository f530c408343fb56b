from typing import Any

import pytest

from tests.launch.api import Refusal, Server
from trainer.launch.cluster import Cluster
from trainer.launch.operator import installed, judged


@pytest.mark.parametrize(
    ("image", "verdict"),
    [
        ("ghcr.io/kubeflow/training-v1/training-operator:v1.9.4", "ok"),
        ("registry:5000/training-operator:1.10.0@sha256:abc", "ok"),
        ("kubeflow/training-operator:v1.9.3", "broken"),
        ("kubeflow/training-operator:v1-855e096", "unsure"),
        ("kubeflow/training-operator", "unsure"),
    ],
)
def test_an_operator_before_1_9_4_is_too_old(image: str, verdict: str) -> None:
    found, said, remedy = judged(image)
    assert (found, image in said) == (verdict, True)
    assert bool(remedy) == (verdict != "ok")


def test_who_may_not_see_the_operator_is_told_whom_to_ask(api: Server, cluster: Cluster) -> None:
    def refuse(_: Any) -> Any:
        raise Refusal(403, 'User "jo" cannot list resource "deployments"')

    api.answers["/apis/apps/v1/deployments"] = refuse
    verdict, found, remedy = installed(cluster)
    assert (verdict, found) == ("unsure", "you may not see its Deployment")
    assert remedy.startswith("ask those who run the cluster")
