"""Real sockets on loopback; the two sides are threads of this process."""

import socket
import time
from collections.abc import Iterator
from multiprocessing.connection import Listener
from threading import Thread

import pytest

from trainer.errors import InputError
from trainer.runtime import pod_link
from trainer.runtime.pod_link import Exchange, LinkLost, linked

TOKEN = b"a token that all pods share"


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange(0, TOKEN)
    yield exchange
    exchange.close()


def test_a_worker_hears_nothing_while_the_run_goes_on_and_then_its_outcome(exchange: Exchange) -> None:
    with linked("127.0.0.1", exchange.port, TOKEN) as line:
        assert line.outcome(0.1) is None
        exchange.announce(3, seconds=0)
        assert line.outcome(5) == 3


def test_the_address_of_the_master_is_looked_up_once(exchange: Exchange) -> None:
    with linked("localhost", exchange.port, TOKEN) as line:
        assert line.address == "127.0.0.1"


def test_the_master_waits_until_every_worker_has_hung_up(exchange: Exchange) -> None:
    with linked("127.0.0.1", exchange.port, TOKEN) as line:
        line.outcome(pod_link.SIGN_OF_LIFE_EVERY + 1)
        began = time.monotonic()
        exchange.announce(0, seconds=0.3)
        assert time.monotonic() - began >= 0.3
    exchange.announce(0, seconds=60)


def test_a_worker_that_comes_late_hears_the_outcome_at_once(exchange: Exchange) -> None:
    exchange.announce(0, seconds=0)
    with linked("127.0.0.1", exchange.port, TOKEN) as line:
        assert line.outcome(5) == 0


def test_a_master_that_hangs_up_without_an_outcome_is_lost(exchange: Exchange) -> None:
    with linked("127.0.0.1", exchange.port, TOKEN) as line:
        exchange.close()
        with pytest.raises(LinkLost, match="hung up"):
            line.outcome(pod_link.SIGN_OF_LIFE_EVERY + 5)


def test_a_master_that_is_silent_is_lost() -> None:
    held: list[object] = []
    with Listener(("127.0.0.1", 0), authkey=TOKEN) as silent:
        Thread(target=lambda: held.append(silent.accept()), daemon=True).start()
        with linked("127.0.0.1", silent.address[1], TOKEN, silence=0.3) as line:
            assert line.outcome(0.1) is None
            with pytest.raises(LinkLost, match="silent for"):
                line.outcome(0.5)


def test_a_master_that_is_not_there_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(LinkLost, match=str(port)), linked("127.0.0.1", port, TOKEN):
        pass


def test_another_token_is_refused_by_both_sides(exchange: Exchange) -> None:
    refused = pytest.raises(InputError, match="RAY_AUTH_TOKEN_PATH: the Master's pod has another token; use one Secret")
    with refused, linked("127.0.0.1", exchange.port, b"another token"):
        pass


def test_who_says_nothing_holds_up_nobody(exchange: Exchange) -> None:
    with socket.create_connection(("127.0.0.1", exchange.port)), linked("127.0.0.1", exchange.port, TOKEN) as line:
        exchange.announce(0, seconds=0)
        assert line.outcome(5) == 0
