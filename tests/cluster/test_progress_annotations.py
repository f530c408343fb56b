"""What `job.progress_annotations` grants, by the chart's own Role on a real API server, which has no operator."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import run as run_program

import pytest
import yaml

from tests.charts.chart import SMALL, objects, with_values
from tests.cluster.bare import api_server, definition
from tests.cluster.kubectl import apply, get, kubectl, until
from trainer.runtime.annotations import Annotations

pytestmark = pytest.mark.cluster

RECORD = {"train/loss": 6.543218765, "train/world_size": 2.0, "train/tokens": 4096.0}


@pytest.fixture
def granted(programs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Master's token and what belongs to it, as a kubelet mounts them."""
    with api_server(tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        kubectl("create", "namespace", "berth")
        apply(definition(), namespace="berth")
        kubectl("wait", "--for=condition=Established", "crd/pytorchjobs.kubeflow.org")
        wanted = ("ServiceAccount", "Role", "RoleBinding", "PyTorchJob")
        made = objects(with_values(SMALL, job__progress_annotations=True))
        apply(*(thing for (kind, _), thing in made.items() if kind in wanted), namespace="berth")
        server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
        folder = tmp_path / "serviceaccount"
        folder.mkdir()
        (folder / "namespace").write_text("berth")
        (folder / "token").write_text(kubectl("create", "token", "my-run", "-n", "berth").strip())
        (folder / "ca.crt").write_bytes(Path(server["certificate-authority"]).read_bytes())
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server["server"].rsplit(":", 1)[1])
        yield folder


def annotations() -> dict[str, str]:
    found: dict[str, str] = get("-n", "berth", "pytorchjob", "my-run")["metadata"].get("annotations", {})
    return {name: value for name, value in found.items() if name.startswith("berth/")}


def test_a_job_is_annotated_with_its_first_point_and_its_last(granted: Path) -> None:
    written = Annotations("my-run", granted)
    for step in range(1, 101):
        assert written.training("pretrain", step, 100, RECORD) == ""
        if step == 50:
            until(annotations, 30, "the first point")
            assert annotations()["berth/step"] == "1"
    until(lambda: annotations()["berth/step"] == "100", 30, "the last point")
    assert annotations() == {
        "berth/stage": "pretrain",
        "berth/step": "100",
        "berth/steps": "100",
        "berth/workers": "2",
        "berth/loss": "6.54322",
    }


def test_the_master_may_patch_its_own_job_and_do_nothing_else(granted: Path) -> None:
    def may(*what: str) -> bool:
        asked = ["kubectl", "auth", "can-i", *what, "-n", "berth", "--as=system:serviceaccount:berth:my-run"]
        return run_program(asked, capture_output=True, check=False).returncode == 0

    assert may("patch", "pytorchjobs.kubeflow.org/my-run")
    assert not may("patch", "pytorchjobs.kubeflow.org/another")
    for verb, kind in (("get", "pytorchjobs.kubeflow.org"), ("get", "secrets"), ("create", "pods"), ("list", "pods")):
        assert not may(verb, kind), (verb, kind)


def test_a_job_that_may_not_be_annotated_is_said_once_and_training_goes_on(granted: Path) -> None:
    kubectl("delete", "rolebinding", "my-run", "-n", "berth")
    refused = Annotations("my-run", granted)
    told = until(lambda: refused.training("pretrain", 5, 5, RECORD), 30, "the refusal")
    assert told == "PyTorchJob my-run gets no progress annotations: HTTP Error 403: Forbidden"
    assert refused.training("pretrain", 5, 5, RECORD) == ""
    assert annotations() == {}
