"""The values of the chart that prepares a corpus -> its values.yaml and values.schema.json.

`python -m trainer.config.helm_corpus values` (or `schema`) prints one; `make charts` writes them, tests prove them
fresh.
"""

import sys
from typing import Annotated, Any

from pydantic import Field

from trainer.config.corpus import CorpusRun
from trainer.config.helm import (
    Cpu,
    Egress,
    Image,
    Name,
    Path,
    Piece,
    Pods,
    Quantity,
    ServiceAccount,
    Variable,
    described,
    schema_of,
)
from trainer.config.section import Count, Section


class Prepare(CorpusRun):
    """What `berth prepare` makes, in the trainer's own words. Other settings belong to another folder."""

    storage: str = "/storage/corpus"
    """The corpus's folder, which runs name as `corpus.prepared`: a path on the volume of `storage`, or an fsspec URI
    such as s3://bucket/corpora/wiki.
    """


class CorpusPods(Pods):
    """The pods, `parts` of them; no GPU."""

    cpu: Cpu = 2
    """CPU cores requested, and threads of the tokenizer; no limit."""
    env: dict[Variable, str] = Field(default={}, json_schema_extra={"additionalProperties": False})
    """Environment variables. Nothing secret: Helm keeps values where many can read them."""
    labels: dict[str, str] = Field(default={})
    """Further labels."""
    annotations: dict[str, str] = Field(default={})
    """Further annotations."""
    priority_class: Name = ""
    """A PriorityClass."""
    tmp_size: Quantity = "4Gi"
    """Limit of the scratch space on the node's disk, through which a shard passes on its way to an object store."""


class CorpusJob(Section):
    """The Job."""

    retries: Annotated[int, Field(ge=0)] = 6
    """How often a part may fail and start again, evictions not counted. Bad text or settings end the job at once."""
    wait_minutes: Annotated[float, Field(gt=0)] = 240
    """How long other parts wait for the vocabulary, which part 0 makes."""
    suspend: bool = False
    """Delete the pods and keep the job; false again: each part goes on with its finished shards."""
    queue: Name = ""
    """A Kueue LocalQueue."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0)] | None = None
    """Delete the finished job, and the logs of its pods, after so long."""


class CorpusStorage(Section):
    """Where text is read and `prepare.storage` leads: a volume, an object store, or both."""

    secret: Name = ""
    """An existing Secret of environment variables that open the object store: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL ...
    """
    claim: Name = ""
    """An existing PersistentVolumeClaim to mount; ReadWriteMany, unless all pods run on one node."""
    mount_path: Path = "/storage"
    """Where the volume is mounted."""


class CorpusNetworkPolicy(Section):
    """Nobody may talk to the pods. And to whom they may."""

    enabled: bool = True
    """Without it the pods may talk to everybody; they listen to nobody in any case."""
    https_cidrs: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    """Where HTTPS (443) may go: the object store."""
    extra_egress: tuple[Egress, ...] = ()
    """Further destinations, such as `{cidr: 10.80.0.1/32, ports: [9000]}` or `{namespace: minio, ports: [9000]}`."""


class CorpusValues(Section):
    """One Helm release prepares one corpus."""

    parts: Count = 4
    """Pods, each of which makes a part of the shards. The corpus is the same at any number."""
    prepare: Prepare
    image: Image = Image()
    pod: CorpusPods = CorpusPods(memory="4Gi")
    job: CorpusJob = CorpusJob()
    storage: CorpusStorage = CorpusStorage()
    service_account: ServiceAccount = ServiceAccount()
    network_policy: CorpusNetworkPolicy = CorpusNetworkPolicy()
    global_: Piece = Field(default={}, alias="global")
    """Helm's own, which a chart above this one may hand down."""


_HEAD = """\
# One release prepares one corpus, once, for the runs that name it as `corpus.prepared`:
#   helm install wiki charts/berth-corpus --values wiki.yaml
# Made by `make charts` from trainer/config/helm_corpus.py; values.schema.json refuses what is not in there.
"""


def schema() -> str:
    """values.schema.json"""
    return schema_of(CorpusValues)


def values() -> str:
    """values.yaml: every default, its description above it; of what is prepared only the place."""
    whole = CorpusValues.model_construct(prepare=Prepare.model_construct())
    defaults: dict[str, Any] = whole.model_dump(mode="json", exclude={"global_"})
    defaults["prepare"] = {"storage": defaults["prepare"]["storage"]}
    return _HEAD + "".join(described(CorpusValues, defaults))


if __name__ == "__main__":
    sys.stdout.write({"schema": schema, "values": values}[sys.argv[1]]())
