"""A real cluster for the tests: that of BERTH_TEST_KUBECONFIG or KUBECONFIG, else the lane in kubernetes/, which they
start and stop. On a cluster of your own, BERTH_TEST_IMAGE names an image that its nodes can pull, and BERTH_TEST_HOST
an address of this machine that its pods reach. A lane that is up is used, and left up, when KUBECONFIG is its own.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import s3fs

from tests.cluster.kubectl import apply, kubectl, run, until
from tests.cluster.release import CHART, Release, Values, values
from tests.s3_server import started

LANE = Path(__file__).parent / "kubernetes"
CACHE = Path(os.environ.get("BERTH_CLUSTER_CACHE", Path.home() / ".cache" / "berth-cluster"))
LANE_KUBECONFIG = CACHE / "state" / "pki" / "admin.kubeconfig"
LANE_HOST = "10.80.0.1"
LANE_IMAGE = "berth.local/trainer:dev"


@dataclass(frozen=True)
class Cluster:
    kubeconfig: Path

    @property
    def is_lane(self) -> bool:
        return self.kubeconfig == LANE_KUBECONFIG

    def lane(self, *command: str, timeout: float = 600) -> str:
        """`lane("lose", "node2")`: what only a cluster of our own lets be done to it; see kubernetes/cluster."""
        if not self.is_lane:
            pytest.skip(
                f"`cluster {' '.join(command)}` is for a cluster that the tests started, not for {self.kubeconfig}"
            )
        return run(str(LANE / "cluster"), *command, timeout=timeout)


@dataclass(frozen=True)
class S3:
    """A server that speaks S3, reached at the same address from here and from a pod."""

    endpoint: str
    bucket: str
    key: str
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        """What a pod needs, spelled as the AWS SDKs read it; goes into a Secret."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def files(self) -> s3fs.S3FileSystem:
        return s3fs.S3FileSystem(endpoint_url=self.endpoint, key=self.key, secret=self.secret, skip_instance_cache=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300, func_only=True))  # starting the cluster is no part of a test


def given() -> str | None:
    """The kubeconfig of a cluster that is there."""
    return os.environ.get("BERTH_TEST_KUBECONFIG") or os.environ.get("KUBECONFIG")


@contextmanager
def built() -> Iterator[None]:
    """The lane's programs, which PATH means as long as the block lasts; none is built beside a cluster of your own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{CACHE / 'bin'}{os.pathsep}{os.environ['PATH']}")
        if not given():
            if reason := run(str(LANE / "build"), "--missing").strip():
                pytest.skip(f"no KUBECONFIG, and a cluster of their own the tests cannot start: {reason}")
            run(str(LANE / "build"), timeout=3600)
        yield


@contextmanager
def reached() -> Iterator[Cluster]:
    """The cluster, which PATH and KUBECONFIG mean as long as the block lasts."""
    with built(), pytest.MonkeyPatch.context() as patch:
        if kubeconfig := given():
            patch.setenv("KUBECONFIG", kubeconfig)
            yield Cluster(Path(kubeconfig))
            return
        patch.setenv("KUBECONFIG", str(LANE_KUBECONFIG))
        try:
            run(str(LANE / "cluster"), "up", timeout=600)
            yield Cluster(LANE_KUBECONFIG)
        finally:
            run(str(LANE / "cluster"), "down")


def loaded(cluster: Cluster) -> str:
    """The trainer's image, built from this checkout and loaded onto every node."""
    if not cluster.is_lane:
        if name := os.environ.get("BERTH_TEST_IMAGE"):
            return name
        pytest.skip(
            "needs an image that the nodes can pull; build one with `make image`, push it, set BERTH_TEST_IMAGE"
        )
    run(str(LANE / "image"), timeout=3600)
    cluster.lane("load")
    return LANE_IMAGE


@contextmanager
def serving(cluster: Cluster) -> Iterator[S3]:
    """An S3 server with an empty bucket, as long as the block lasts."""
    host = LANE_HOST if cluster.is_lane else os.environ.get("BERTH_TEST_HOST")
    if not host:
        pytest.skip("needs an address of this machine that pods reach; set BERTH_TEST_HOST")
    with started(host) as (_, endpoint):
        served = S3(endpoint, "berth", "test-key", "test-secret")
        served.files().mkdir(served.bucket)
        yield served


def values_on(s3: S3, image: str, namespace: str) -> Values:
    """Values of a small run that keeps all it makes on the S3 server; its Secret is put into the namespace."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "object-store"}, "stringData": s3.environment}
    apply(secret, namespace=namespace)
    address = urlsplit(s3.endpoint)
    return values(
        image,
        run={"storage": f"s3://{s3.bucket}/runs"},
        storage={"secret": "object-store"},
        network_policy={"extra_egress": [{"cidr": f"{address.hostname}/32", "ports": [address.port]}]},
    )


@pytest.fixture(scope="session")
def programs() -> Iterator[None]:
    """Of the lane, for what needs no cluster."""
    with built():
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with reached() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def image(cluster: Cluster) -> str:
    return loaded(cluster)


@pytest.fixture(scope="module")
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace under Pod Security's `restricted`."""
    name = f"{request.module.__name__.rsplit('.')[-1].replace('_', '-')}-{os.getpid()}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    until(lambda: kubectl("get", "serviceaccount", "-n", name, "-o", "name"), 30, f"service account of {name}")
    yield name
    kubectl("delete", "namespace", name, "--timeout=100s")


@pytest.fixture(scope="session")
def s3(cluster: Cluster) -> Iterator[S3]:
    with serving(cluster) as served:
        yield served


@pytest.fixture(scope="session")
def helm(cluster: Cluster) -> Callable[..., str]:
    """The real helm: `helm("install", "my-run", "charts/berth", "-n", namespace)` gives what it printed."""

    def call(*arguments: str, timeout: float = 120) -> str:
        return run("helm", *arguments, timeout=timeout)

    return call


@pytest.fixture(scope="module")
def on_s3(image: str, s3: S3, namespace: str) -> Values:
    return values_on(s3, image, namespace)


@pytest.fixture(scope="session")
def new_release(helm: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Release]:
    """`new_release("my-run", namespace)`, to be installed."""
    folder = tmp_path_factory.mktemp("values")
    return lambda name, namespace, chart=CHART: Release(name, namespace, helm, folder, chart)


@pytest.fixture
def release(new_release: Callable[..., Release], namespace: str) -> Iterator[Callable[..., Release]]:
    """The same for one test, which leaves no release behind."""
    made: list[Release] = []

    def make(name: str, chart: str = CHART) -> Release:
        made.append(new_release(name, namespace, chart))
        return made[-1]

    yield make
    for each in made:
        each.uninstall(missing_is_fine=True)
