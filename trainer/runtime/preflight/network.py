"""The network between workers: are sums right, and how fast, far and in time are the nodes?

First all workers sum known integers, as they will sum gradients. Then the nodes meet in pairs, one worker of each, all
pairs of a round at once (a round-robin tournament: n - 1 rounds for n nodes), so that every link is tried in a time
that grows with n, not with its square.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from trainer.runtime.preflight.findings import Link, Network
from trainer.runtime.preflight.meeting import Meeting

_SIZES = (1, 1_000, 65_537, 1 << 20)
"""Numbers in the sums: from a figure to a bucket of gradients, also where workers' shares are not even."""
_PATIENCE = 20.0
"""Seconds for one exchange."""
_WARM_UP = 1 << 18
"""Numbers of the first exchange of a pair, 1 MiB; it tells how many fit into `_PAIR_SECONDS`, in several tries."""
_PAIR_SECONDS = 0.1
_TRIES = 3
"""The fastest counts: a process that was not on its core for a moment says nothing of the network."""
_MOST = 32
"""MiB in a try."""
_CLOCK_LOOKS = 5


class Trial:
    """One worker's part in the test.

    Args:
        rank: of this worker, of `world_size`.
        device: where gradients will be; the sums and the bulk of the pairs travel from there.
        nodes: the ranks of the nodes' first workers.
    """

    def __init__(
        self, rank: int, world_size: int, device: torch.device, nodes: Sequence[int], meeting: Meeting
    ) -> None:
        self._rank = rank
        self._world_size = world_size
        self._device = device
        self._nodes = list(nodes)
        self._meeting = meeting

    def numbers(self, rank: int, size: int) -> Tensor:
        """What a rank sends: (size,), float32, integers that are exact also when all ranks' are summed."""
        return (torch.arange(size, dtype=torch.float32, device=self._device) % 251) + (rank + 1)

    def mine(self, size: int) -> Tensor:
        """What this worker sends."""
        return self.numbers(self._rank, size)

    def run(self) -> Network:
        """Sums first, for all; then pairs, on the first worker of each node. What goes wrong is told, not raised."""
        try:
            sums = self._sums()
        except (RuntimeError, TimeoutError) as error:
            return Network(cut_off=_first_line(error))
        return sums if len(self._nodes) < 2 else self._pairs(sums)

    def _sums(self) -> Network:
        """All workers sum; and each sees what the others have sent, to name the one that is wrong."""
        if self._world_size == 1:
            return Network()
        wrong: list[int] = []
        for size in _SIZES:
            total = self.mine(size)
            self._finish(dist.all_reduce(total, async_op=True))
            everyone = self._world_size * (self.numbers(0, size) - 1) + sum(range(1, self._world_size + 1))
            if not torch.equal(total, everyone):
                wrong.append(size)
        sent = [torch.empty_like(self.mine(_SIZES[1])) for _ in range(self._world_size)]
        self._finish(dist.all_gather(sent, self.mine(_SIZES[1]), async_op=True))
        liars = [rank for rank, seen in enumerate(sent) if not torch.equal(seen, self.numbers(rank, _SIZES[1]))]
        return Network(wrong_sums=tuple(wrong), wrong_from=tuple(liars))

    def _pairs(self, sums: Network) -> Network:
        links: dict[int, Link] = {}
        wrong = set(sums.wrong_from)
        peer, began = -1, time.monotonic()
        try:
            ways = self._ways()
            for peer in _peers(self._nodes, self._rank):
                began = time.monotonic()
                link, right = self._meet(peer, ways)
                links[peer] = link
                if not right:
                    wrong.add(peer)
            _close(ways)
        except (RuntimeError, TimeoutError) as error:
            # Who was waited for to the end is silent; who hung up has met a silent one itself.
            waited = peer >= 0 and time.monotonic() - began >= min(_PATIENCE, self._meeting.left()) * 0.9
            found = {"silent": (peer,) if waited else (), "cut_off": _first_line(error)}
        else:
            found = {}
        return sums.model_copy(update={"wrong_from": tuple(sorted(wrong)), "links": links, **found})

    def _ways(self) -> "_Ways":
        """Groups of their own: what is set up between all pairs is freed afterwards. Made on all workers."""
        limit = timedelta(seconds=min(_PATIENCE, self._meeting.left()))
        hosts: Any = dist.new_group(self._nodes, timeout=limit, backend="gloo")
        if self._device.type != "cuda":
            return _Ways(hosts, hosts)
        devices: Any = dist.new_group(self._nodes, timeout=limit, backend="nccl")
        if self._rank in self._nodes:
            # All of a group must take part in its first exchange.
            self._finish(dist.all_reduce(torch.zeros(1, device=self._device), group=devices, async_op=True))
        return _Ways(hosts, devices)

    def _meet(self, peer: int, ways: "_Ways") -> tuple[Link, bool]:
        """Compare clocks, then send and receive at once; whether what came is right."""
        delay, ahead = self._clock(peer, ways.hosts)
        seconds, _ = self._swap(peer, _WARM_UP, ways.devices)
        # The lower rank says how much more, so that both do the same.
        more = float(min(_MOST, max(1, int(_PAIR_SECONDS / _TRIES / seconds))))
        if self._rank < peer:
            self._send(more, peer, ways.hosts)
        else:
            more = self._receive(peer, ways.hosts)
        size = _WARM_UP * int(more)
        tries = [self._swap(peer, size, ways.devices) for _ in range(_TRIES)]
        seconds = min(seconds for seconds, _ in tries)
        link = Link(bytes_per_second=4 * size / seconds, delay=delay, clock_ahead=ahead)
        return link, all(right for _, right in tries)

    def _clock(self, peer: int, group: Any) -> tuple[float, float]:
        """Both ask and answer in turn. The best look is the one that took least: it is right to half its delay."""
        looks: list[tuple[float, float]] = []
        for asking in (min(self._rank, peer), max(self._rank, peer)):
            for _ in range(_CLOCK_LOOKS):
                if self._rank == asking:
                    start, sent = time.monotonic(), time.time()
                    self._send(0.0, peer, group)
                    theirs = self._receive(peer, group)
                    delay = time.monotonic() - start
                    looks.append((delay, theirs - (sent + delay / 2)))
                else:
                    self._receive(peer, group)
                    self._send(time.time(), peer, group)
        return min(looks)

    def _swap(self, peer: int, size: int, group: Any) -> tuple[float, bool]:
        mine, theirs = self.mine(size), torch.empty(size, device=self._device)
        expected = self.numbers(peer, size)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        start = time.monotonic()
        both = [dist.P2POp(dist.isend, mine, peer, group), dist.P2POp(dist.irecv, theirs, peer, group)]
        for work in dist.batch_isend_irecv(both):
            self._finish(work)
        seconds = time.monotonic() - start
        return seconds, torch.equal(theirs, expected)

    def _send(self, figure: float, peer: int, group: Any) -> None:
        self._wait(dist.isend(torch.tensor([figure], dtype=torch.float64), peer, group=group))

    def _receive(self, peer: int, group: Any) -> float:
        figure = torch.zeros(1, dtype=torch.float64)
        self._wait(dist.irecv(figure, peer, group=group))
        return figure.item()

    def _finish(self, work: Any) -> None:
        """Wait for an exchange of device tensors, with the limit that NCCL's own wait does not keep: it only orders
        streams.
        """
        if self._device.type == "cuda":
            end = time.monotonic() + min(_PATIENCE, self._meeting.left())
            while not work.is_completed():
                if time.monotonic() > end:
                    raise TimeoutError("NCCL did not finish in time")
                time.sleep(1e-4)
        self._wait(work)

    def _wait(self, work: Any) -> None:
        work.wait(timedelta(seconds=min(_PATIENCE, self._meeting.left())))


class _Ways(NamedTuple):
    """Process groups of the nodes' first workers."""

    hosts: Any
    devices: Any


def _close(ways: _Ways) -> None:
    for group in {id(group): group for group in ways}.values():
        if group != dist.GroupMember.NON_GROUP_MEMBER:
            dist.destroy_process_group(group)


def partner(of: int, number: int, players: int) -> int | None:
    """Whom a player meets in a round of a round-robin tournament (the circle method); None: it sits out.

    Players and rounds are counted from 0; there are `players - 1` rounds, one more if their number is odd.
    """
    circle = (players + 1) // 2 * 2 - 1
    other = (number - of) % circle
    if of == circle:
        # The one outside the circle meets whom the circle pairs with itself: 2 x = number.
        other = number * (circle + 1) // 2 % circle
    elif other == of:
        other = circle
    return other if other < players else None


def _peers(nodes: Sequence[int], rank: int) -> Iterator[int]:
    if rank not in nodes:
        return
    players = len(nodes)
    for number in range((players + 1) // 2 * 2 - 1):
        other = partner(nodes.index(rank), number, players)
        if other is not None:
            yield nodes[other]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
