import random

import pytest

from tests.soak.growth import MOST_GROWTH, Held, growing, grown, slope, tenths


def samples(leak: float, files: int = 0) -> list[Held]:
    """A thousand: 100 MiB that fill up at first, with noise of an MiB; `leak` MiB each, `files` more at the end."""
    noise = random.Random(0)
    return [
        Held(at, 100 + min(at, 200) + leak * at + noise.random(), 10 + files * (at > 900) + at % 3, 4)
        for at in range(1000)
    ]


def test_what_fills_up_at_the_beginning_is_no_growth() -> None:
    assert growing("it", samples(leak=0)) == []
    assert abs(slope(samples(leak=0))) < 1e-3


def test_a_slow_leak_is_growth() -> None:
    leak = 1.2 * MOST_GROWTH / 750
    assert grown(samples(leak)) == pytest.approx(1.2 * MOST_GROWTH, rel=0.05)
    assert growing("it", samples(leak)) == ["it: 19.2 MiB more after the warm-up"]


def test_files_that_stay_open_are_growth_and_those_that_come_and_go_are_none() -> None:
    assert growing("it", samples(leak=0, files=1)) == []
    late = [Held(each.at, each.mib, each.files + (each.at >= 700), each.threads) for each in samples(leak=0)]
    assert growing("it", late) == ["it: 11 open files at the end, 10 before"]


def test_the_tenths_are_those_of_the_beginning_and_of_the_end() -> None:
    assert tenths([9.0] + 9 * [1.0] + 80 * [5.0] + 10 * [2.0]) == (1.0, 2.0)
