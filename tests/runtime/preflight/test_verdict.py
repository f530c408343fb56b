"""What is said of findings; how they are found is in test_check."""

import pytest

from trainer.runtime.preflight.findings import Gpu, Link, Machine, Network, Node, Report, Storage
from trainer.runtime.preflight.verdict import Evidence, judge, table

NAMES = "abcdefgh"
VERSIONS = {"torch": "2.15.0", "nccl": "2.30"}
GPU = Gpu(name="H100", memory_mib=80_000, used_mib=600, uncorrected_errors=0, slowed=())


def machine(**other: object) -> Machine:
    sound = Machine(
        versions=VERSIONS,
        gpus=(GPU, GPU),
        shm_free=1 << 30,
        folder="/cache",
        disk_free=10**12,
        ray_disk_used=0.2,
        memory=10**11,
    )
    return sound.model_copy(update=other)


def storage(**other: float) -> Storage:
    sound = Storage(write=0.01, read=0.01, replace=0.01, list=0.01, delete=0.01, sees_run=True, sees_first=True)
    return sound.model_copy(update=other)


def evidence(
    speeds: dict[str, float],
    clocks: dict[str, float] | None = None,
    machines: dict[str, Machine] | None = None,
    disks: dict[str, Storage] | None = None,
) -> Evidence:
    """Nodes with a worker each. Args: MB/s of pairs such as "ab", and what of a node is not as it should be."""
    count = max((NAMES.index(pair[1]) + 1 for pair in speeds), default=1)
    nodes = {rank: Node(id=f"id-{rank}", name=NAMES[rank], rank=rank) for rank in range(count)}
    links: dict[int, dict[int, Link]] = {rank: {} for rank in nodes}
    for pair, speed in speeds.items():
        one, other = map(NAMES.index, pair)
        ahead = (clocks or {}).get(pair[1], 0.0) if one == 0 else 0.0
        links[one][other] = Link(bytes_per_second=1e6 * speed, delay=0.001, clock_ahead=ahead)
    reports = {
        rank: Report(
            network=Network(links=links[rank]),
            machine=(machines or {}).get(node.name, machine()),
            storage=(disks or {}).get(node.name, storage()),
        )
        for rank, node in nodes.items()
    }
    return Evidence(nodes, reports, missing={}, disk_bytes=10**9, seconds=0.5)


SOUND = {"ab": 1000.0, "ac": 1100.0, "bc": 900.0}


def test_of_sound_nodes_there_is_one_line() -> None:
    verdict = judge(evidence(SOUND))
    assert (verdict.fit, verdict.warnings) == (True, ())
    assert verdict.line == (
        "preflight: 3 nodes, slowest pair 900 MB/s (b - c), delay up to 1.0 ms, clocks within 0.00 s, "
        "storage writes in 10 ms; 0.5 s"
    )


def test_a_slow_node_is_told_from_a_slow_link() -> None:
    node = judge(evidence({"ab": 1000, "ac": 90, "bc": 100}))
    assert node.warnings == ("node c is slow: 100 MB/s at best with any other; usual here: 1,000 MB/s",)
    link = judge(evidence({"ab": 1000, "ac": 1000, "bc": 9}))
    assert link.warnings == ("the network is slow between b and c: 9.0 MB/s; usual here: 1,000 MB/s",)
    assert judge(evidence({"ab": 1})).warnings == (), "two nodes have nothing to be compared with"


@pytest.mark.parametrize(
    ("clocks", "warning"),
    [
        ({"b": 3.0}, "node b: its clock is 3.0 s ahead of most others'; let NTP set it"),
        ({"b": -3.0, "c": -3.0}, "node a: its clock is 3.0 s ahead of most others'; let NTP set it"),
    ],
)
def test_the_clock_that_most_disagree_with_is_named(clocks: dict[str, float], warning: str) -> None:
    assert judge(evidence(SOUND, clocks)).warnings == (warning,)


def test_of_two_clocks_neither_is_taken_for_right() -> None:
    warning = "node b: its clock is 9.0 s behind that of a; let NTP set it"
    assert judge(evidence({"ab": 1}, {"b": -9.0})).warnings == (warning,)


def test_a_node_with_another_version_is_named() -> None:
    other = machine(versions=VERSIONS | {"nccl": "2.29", "driver": "580"})
    assert judge(evidence(SOUND, machines={"b": other})).warnings == (
        "node b: driver is 580, elsewhere absent; give all nodes one image and one driver",
        "node b: nccl is 2.29, elsewhere 2.30; give all nodes one image and one driver",
    )


@pytest.mark.parametrize(
    ("other", "warning"),
    [
        ({"disk_free": 10**8}, "0.1 GB are free in /cache, and the run may need 1.0 GB there"),
        ({"ray_disk_used": 0.96}, "the disk of Ray's temporary files is 96% full, and Ray stops at 95%"),
        ({"shm_free": 64 << 20}, "64 MiB are free in /dev/shm, too little for NCCL and 2 GPUs"),
    ],
)
def test_too_little_room_is_told(other: dict[str, object], warning: str) -> None:
    assert judge(evidence(SOUND, machines={"c": machine(**other)})).warnings == (f"node c: {warning}",)


@pytest.mark.parametrize(
    ("other", "warning"),
    [
        ({"slowed": ("hw_slowdown",)}, "GPU 1 is slowed down (hw_slowdown); look at its cooling and power"),
        ({"uncorrected_errors": 2}, "GPU 1 had 2 uncorrected memory errors; reset or replace it"),
        ({"used_mib": 9000}, "GPU 1 has 9,000 of 80,000 MiB in use; is something else on it?"),
    ],
)
def test_a_gpu_that_is_not_well_is_named(other: dict[str, object], warning: str) -> None:
    gpus = (GPU, GPU.model_copy(update=other))
    assert judge(evidence(SOUND, machines={"a": machine(gpus=gpus)})).warnings == (f"node a: {warning}",)


def test_what_a_gpu_does_not_count_is_no_fault() -> None:
    unknown = Gpu(name="A10G", memory_mib=None, used_mib=None, uncorrected_errors=None, slowed=())
    assert judge(evidence(SOUND, machines={"a": machine(gpus=(unknown,))})).warnings == ()


def test_a_storage_that_takes_long_is_named() -> None:
    warning = "node b: the storage takes 2.5 s to write a file of some bytes"
    assert judge(evidence(SOUND, disks={"b": storage(write=2.5)})).warnings == (warning,)


def test_the_table_has_a_line_for_each_node() -> None:
    rows = [row.split() for row in table(evidence(SOUND))]
    assert [row[0] for row in rows] == ["node", "a", "b", "c"]
    assert rows[2] == ["b", "1,000.0", "1.00", "+0.000", "10", "1,000.0", "1,024", "100.0", "2", "x", "H100"]


def test_what_is_cause_is_told_and_not_what_follows_from_it() -> None:
    found = evidence(SOUND)
    cut_off = Network(cut_off="connection closed by peer")
    reports = {0: Report(network=Network(silent=(2,))), 1: Report(network=cut_off), 2: Report(network=cut_off)}
    waiting = Evidence(found.node_of, reports, {}, 0, 0.5)
    assert judge(waiting).broken == "node a waited in vain for node c; see to their network"
    frozen = Evidence(found.node_of, {0: reports[0], 1: reports[1]}, {2: "while the network was tested"}, 0, 0.5)
    assert judge(frozen).broken == (
        "node c does not answer: worker 2 told nothing in time, while the network was tested"
    )


def test_the_node_that_most_get_wrong_numbers_from_is_named() -> None:
    found = evidence(SOUND)
    wrong = {0: (1,), 1: (0, 2), 2: (1,)}
    reports = {rank: Report(network=Network(wrong_from=accused)) for rank, accused in wrong.items()}
    broken = judge(Evidence(found.node_of, reports, {}, 0, 0.5)).broken
    assert broken == "wrong numbers come from node b; take it out of the cluster"


def test_a_storage_that_is_away_ends_nothing() -> None:
    found = evidence(SOUND)
    away = Report(network=Network(), storage_away="s3://bucket/run: cannot be written: 503; see to the storage")
    verdict = judge(Evidence(found.node_of, {**found.reports, 2: away}, {}, 0, 0.5))
    assert verdict.fit
    assert verdict.warnings == ("node c: s3://bucket/run: cannot be written: 503; see to the storage",)
