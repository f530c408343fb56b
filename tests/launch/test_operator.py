import pytest

from trainer.launch.operator import judged


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
