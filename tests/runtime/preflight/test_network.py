"""Who meets whom, and a node whose line is really slow."""

import itertools

import pytest

from trainer.runtime.preflight.network import partner


@pytest.mark.parametrize("players", range(2, 14))
def test_every_pair_meets_once_and_both_agree(players: int) -> None:
    met = []
    for number in range((players + 1) // 2 * 2 - 1):
        others = [partner(player, number, players) for player in range(players)]
        for player, other in enumerate(others):
            assert other != player
            if other is not None:
                assert others[other] == player
                met.append((min(player, other), max(player, other)))
        assert others.count(None) == players % 2
    assert sorted(met) == sorted(2 * list(itertools.combinations(range(players), 2)))
