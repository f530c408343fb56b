"""What each node has to tell; as JSON it goes to the first worker and into preflight.json."""

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gpu(_Record):
    """What nvidia-smi says of a GPU; None is what it does not know."""

    name: str
    memory_mib: int | None
    used_mib: int | None
    """By whomever, before the training has taken any."""
    uncorrected_errors: int | None
    """Of the memory, since the driver was loaded."""
    slowed: tuple[str, ...]
    """Why its clock is held down: `hw_slowdown`, ..."""


class Machine(_Record):
    """One node as it is now; sizes in bytes."""

    versions: dict[str, str]
    gpus: tuple[Gpu, ...]
    shm_free: int
    folder: str
    """Where the node writes: the run's folder if it is local, else the cache for copies of what is on storage."""
    disk_free: int
    """There."""
    ray_disk_used: float
    """Share of the disk on which Ray has its temporary files."""
    memory: int
    """The limit of the container, or what is built in."""


class Link(_Record):
    """The way between two nodes, as one of them measured it."""

    bytes_per_second: float
    """In each direction, both at once."""
    delay: float
    """Seconds there and back, the best of some."""
    clock_ahead: float
    """Seconds by which the other's clock is ahead; right to half the delay."""


class Network(_Record):
    """What a worker found out about the others."""

    wrong_sums: tuple[int, ...] = ()
    """How many numbers the all-reduces had whose result was wrong here."""
    wrong_from: tuple[int, ...] = ()
    """Ranks of which wrong numbers came."""
    silent: tuple[int, ...] = ()
    """Ranks that were waited for in vain."""
    cut_off: str | None = None
    """Why the exchange ended early here, if it did."""
    links: dict[int, Link] = {}
    """To the first ranks of the other nodes."""


class Storage(_Record):
    """What the run's folder did for a node; seconds."""

    write: float
    read: float
    replace: float
    list: float
    delete: float
    sees_run: bool
    """Whether the run.yaml that the driver wrote is there."""
    sees_first: bool
    """Whether the file is there that the first node wrote."""


class Report(_Record):
    """What a worker tells; of a node its first worker tells all."""

    network: Network
    machine: Machine | None = None
    storage: Storage | None = None
    storage_problem: str | None = None
    """Why the node cannot use the run's folder."""
    storage_away: str | None = None
    """Why it could not for now, which may pass."""


class Node(_Record):
    """A node of the group."""

    id: str
    name: str
    rank: int
    """Of its first worker."""
