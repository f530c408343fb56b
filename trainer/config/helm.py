"""The values of the Helm chart: a run, and the Kubernetes objects around it -> values.yaml, values.schema.json.

Both files are written from the classes below, so that chart and trainer cannot disagree about a setting.
`python -m trainer.config.helm values` (or `schema`) prints one; `make charts` writes them, tests prove them fresh.
"""

import json
import sys
import textwrap
from collections.abc import Iterator
from inspect import cleandoc
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, StringConstraints
from pydantic.json_schema import GenerateJsonSchema, SkipJsonSchema

from trainer.config.operation import Scaling
from trainer.config.schema import Run, RunName
from trainer.config.section import Count, Section

Name = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$")]
"""Of an object in the cluster; empty: none."""
Quantity = (
    Annotated[int, Field(ge=0)]
    | Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")]
)
Cpu = Count | Annotated[float, Field(gt=0)] | Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?m?$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Path = Annotated[str, StringConstraints(pattern=r"^/.*[^/]$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Piece = dict[str, Any]
"""A piece of the Kubernetes API, passed on as it is."""


class RunValues(Run):
    """The run, in the trainer's own words: all of trainer/config/schema.py but `name`, which is the release's.

    What is set here is fixed once the run has begun: the trainer refuses other settings under the same name. Only
    `scaling`, `limits`, `checkpoint` and `tracking` may change, and count from the Master's next start.
    """

    name: SkipJsonSchema[RunName] = "release"
    storage: str = "/storage"
    """Where everything durable lies, below it a folder named as the release: a path on the volume of `storage`, or
    an fsspec URI such as s3://bucket/runs.
    """
    scaling: Scaling = Scaling(num_workers=(1, 1024))


class Image(Section):
    """The image of every pod: images/trainer, pushed to where your nodes pull from."""

    repository: Annotated[str, Field(min_length=1)] = "berth"
    """With the registry in front."""
    tag: str = ""
    """Empty: the chart's appVersion."""
    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """sha256:... pins the image to the byte; the tag then says nothing."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """Always, IfNotPresent or Never."""
    pull_secrets: tuple[Name, ...] = ()
    """Existing Secrets to pull with."""


class Pods(Section):
    cpu: Cpu = 4
    """CPU cores requested; no limit, for throttled cores stall a whole run."""
    memory: Quantity = "8Gi"
    """Memory, requested and limit; files in /dev/shm count, and 0.5 GiB for the spare process beside each worker."""
    limits: dict[str, Quantity] = Field(default={})
    """Further limits, such as `ephemeral-storage: 50Gi` or `rdma/ib: 1`."""
    node_selector: dict[str, str] = Field(default={})
    """Labels of the nodes to run on."""
    tolerations: tuple[Piece, ...] = ()
    """Taints to bear, beside 30 s of a node that is not ready or unreachable."""
    affinity: Piece = Field(default={})
    """Kubernetes' affinity."""


class Master(Pods):
    """The pod that prepares the text and leads the run; it does not train and needs no GPU."""


class Worker(Pods):
    """The pods that train, `workers` of them."""

    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs (nvidia.com/gpu) of one pod; each trains as one worker if `run.scaling.gpus_per_worker` is 1."""
    runtime_class: Name = ""
    """A RuntimeClass, such as nvidia, where it is not the nodes' default."""
    topology_spread_constraints: tuple[Piece, ...] = ()
    """Kubernetes' topologySpreadConstraints; select by `training.kubeflow.org/replica-type: worker` and
    `matchLabelKeys: [training.kubeflow.org/job-name]`.
    """


class Pod(Section):
    """What Master and Workers have in common."""

    env: dict[Variable, str] = Field(default={}, json_schema_extra={"additionalProperties": False})
    """Environment variables, such as NCCL_DEBUG: INFO. Nothing secret: Helm keeps values where many can read them."""
    labels: dict[str, str] = Field(default={})
    """Further labels."""
    annotations: dict[str, str] = Field(default={})
    """Further annotations."""
    priority_class: Name = ""
    """A PriorityClass."""
    scheduler: str = ""
    """A scheduler other than the cluster's own."""
    tmp_size: Quantity = "20Gi"
    """Limit of the scratch space on the node's disk: the corpus is copied there, and checkpoints pass through it."""
    shm_size: Quantity = "1Gi"
    """Limit of /dev/shm, which Ray and NCCL use; part of the pod's memory."""
    ipc_lock: bool = False
    """RDMA on nodes whose container runtime limits locked memory. Gives the Workers IPC_LOCK; as a capability reaches
    root's processes only, Master and Workers then run as root. Needs a namespace with Pod Security `privileged`. RDMA
    devices themselves are asked for in `worker.limits`.
    """


class Job(Section):
    """The PyTorchJob."""

    suspend: bool = False
    """Delete the pods and keep the job; false again: the run goes on where it was saved."""
    queue: Name = ""
    """A Kueue LocalQueue."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0)] | None = None
    """Delete the finished job, and the logs of its pods, after so long."""
    scheduling_policy: Piece = Field(default={})
    """The operator's schedulingPolicy, such as `minAvailable: 5`; counts where the operator does gang scheduling."""
    progress_annotations: bool = False
    """Keep stage, step, workers and loss in the job's annotations, for who may `kubectl get` it and no more. The Master
    then has a ServiceAccount token that may change this job, and RBAC knows no smaller right: who breaks into the
    Master could start any pod of the namespace by it. `network_policy.extra_egress` has to name the API server.
    """


class Storage(Section):
    """Where `run.storage` leads: a volume, an object store, or both (text on one, results on the other)."""

    secret: Name = ""
    """An existing Secret of environment variables that open the object store: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL ...
    """
    claim: Name = ""
    """An existing PersistentVolumeClaim to mount."""
    size: Quantity | Literal[""] = ""
    """Or the size of one to create. UNINSTALLING THE RELEASE DELETES IT, and the trained model on it, unless
    `keep` is set.
    """
    storage_class: Name = ""
    """The created claim's StorageClass; empty: the cluster's default."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """The created claim's access mode; ReadWriteOnce serves if all pods run on one node."""
    keep: bool = False
    """Leave the created claim, with the release's labels, when the release is uninstalled."""
    mount_path: Path = "/storage"
    """Where the volume is mounted."""


class ServiceAccount(Section):
    """The pods' ServiceAccount. It may do nothing, and its token is not mounted."""

    annotations: dict[str, str] = Field(default={})
    """Such as a cloud's role that opens the object store without a key."""


class RayToken(Section):
    """What a process must know to talk to the run's Ray cluster."""

    secret: Name = ""
    """An existing Secret. Empty: one is made at the first install and found again at upgrades. Name one where charts
    are rendered without the cluster (`helm template`, GitOps), as each rendering makes another token.
    """
    key: Annotated[str, Field(min_length=1)] = "token"
    """The key in it."""


class Wandb(Section):
    """Weights & Biases; `run.tracking` says whether it is used."""

    secret: Name = ""
    """An existing Secret with the API key; needed for `run.tracking.wandb: online`."""
    key: Annotated[str, Field(min_length=1)] = "api-key"
    """The key in it."""
    base_url: str = ""
    """The server. Empty: the library's own default."""


class Egress(Section):
    """One more destination: `cidr` or `namespace`."""

    cidr: str | None = None
    """Addresses, such as 10.80.0.1/32."""
    namespace: Name | None = None
    """A namespace in this cluster, such as minio."""
    ports: tuple[Port, ...] = Field(min_length=1)
    """TCP ports."""


class NetworkPolicy(Section):
    """Who may talk to the pods: those of the same run, and metrics.scraped_by. And to whom they may."""

    enabled: bool = True
    """Without it whoever reaches the pods is kept out by the Ray token alone."""
    https_cidrs: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    """Where HTTPS (443) may go: object store, Weights & Biases."""
    extra_egress: tuple[Egress, ...] = ()
    """Further destinations, such as `{cidr: 10.80.0.1/32, ports: [9000]}` or `{namespace: minio, ports: [9000]}`."""


class DisruptionBudget(Section):
    """What draining a node may do to the run. Any pod that goes comes back, and the run goes on where it was saved."""

    max_unavailable_workers: Count = 1
    """Workers that may be away at the same time."""
    hold_master: bool = False
    """Refuse to evict the Master. Its restart costs a minute or two of every Worker; a node that cannot be drained
    while the run lasts, days maybe, costs its administrator more.
    """


class Metrics(Section):
    """The curves in Prometheus' format, such as `berth_train_loss`: /metrics at port 6386 of the Master's pod."""

    pod_monitor: bool = False
    """Create a PodMonitor; needs the Prometheus operator."""
    labels: dict[str, str] = Field(default={})
    """The PodMonitor's further labels, by which a Prometheus selects it."""
    interval: Annotated[str, StringConstraints(pattern=r"^[0-9]+(s|m)$")] = "30s"
    """Between two scrapes."""
    scraped_by: Piece = Field(default={})
    """Who may reach the port, as a NetworkPolicy names a peer:
    `namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}`.
    """
    dashboard: bool = False
    """Create a ConfigMap with a dashboard for Grafana. It shows every run that its Prometheus scrapes, so that it is
    enough if one release has it.
    """
    dashboard_labels: dict[str, str] = Field(default={"grafana_dashboard": "1"})
    """The ConfigMap's further labels, by which Grafana's sidecar finds it."""


class Values(Section):
    """One Helm release is one training run."""

    workers: Count = 1
    """Worker pods. `helm upgrade` with another number resizes the run while it trains, and changes nothing else."""
    run: RunValues
    image: Image = Image()
    worker: Worker = Worker()
    master: Master = Master(cpu=2, memory="4Gi")
    pod: Pod = Pod()
    job: Job = Job()
    storage: Storage = Storage()
    service_account: ServiceAccount = ServiceAccount()
    ray_token: RayToken = RayToken()
    wandb: Wandb = Wandb()
    network_policy: NetworkPolicy = NetworkPolicy()
    disruption_budget: DisruptionBudget = DisruptionBudget()
    metrics: Metrics = Metrics()
    global_: Piece = Field(default={}, alias="global")
    """Helm's own, which a chart above this one may hand down."""


def schema() -> str:
    """values.schema.json"""
    return schema_of(Values)


def schema_of(values: type[BaseModel]) -> str:
    """The JSON schema of a chart's values."""
    content = {"$schema": GenerateJsonSchema.schema_dialect, **values.model_json_schema()}
    return json.dumps(_untitled(content), indent=2, ensure_ascii=False) + "\n"


def _untitled(part: Any) -> Any:
    """Without pydantic's titles, which repeat the names."""
    if isinstance(part, dict):
        return {key: _untitled(value) for key, value in part.items() if key != "title" or isinstance(value, dict)}
    return [_untitled(entry) for entry in part] if isinstance(part, list) else part


_HEAD = """\
# One release is one training run:
#   helm install my-run charts/berth --values my-run.yaml
# Made by `make charts` from trainer/config/helm.py; values.schema.json refuses what is not in there.
"""


def values() -> str:
    """values.yaml: every default, its description above it; of the run only what is chosen for a cluster."""
    defaults = Values.model_construct(run=RunValues.model_construct()).model_dump(mode="json", exclude={"global_"})
    defaults["run"] = {name: defaults["run"][name] for name in ("storage", "scaling")}
    return _HEAD + "".join(described(Values, defaults))


def described(section: type[BaseModel], defaults: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Defaults as YAML, the description of each above it, marked by ` -- ` for helm-docs."""
    for name, default in defaults.items():
        field = section.model_fields[name]
        part = field.annotation
        group = part if isinstance(part, type) and issubclass(part, BaseModel) else None
        text = " ".join(cleandoc(field.description or (group or section).__doc__ or "").split())
        yield "" if indent else "\n"
        yield from (
            f"{indent}{line}\n" for line in textwrap.wrap(text, 114, initial_indent="# -- ", subsequent_indent="# ")
        )
        if group:
            yield f"{indent}{name}:\n"
            yield from described(group, default, indent + "  ")
        else:
            flow = None if isinstance(default, list | dict) else False  # collections in one line
            yield indent + yaml.safe_dump({name: default}, default_flow_style=flow, width=1000)


if __name__ == "__main__":
    sys.stdout.write({"schema": schema, "values": values}[sys.argv[1]]())
