from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator, Mapping

import pytest

from tracer_tools import COLUMNS, COUNTERS, FormatError
from tracer_tools.check.load import EXPECTED, ROUNDS, Growth, known_load, measure

PID = 77


class Kernel:
    """Counters that grow by what reading and working cost, and by what else happens."""

    def __init__(self, work: Mapping[str, int], noise: Iterator[int]) -> None:
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.cost = work
        self.noise = noise

    def read(self) -> str:
        values = " ".join(map(str, self.counters.values()))
        for name in COUNTERS:
            self.counters[name] += 3 + next(self.noise)
        return f"{' '.join(COLUMNS)}\n{PID} {values}\n"

    def work(self) -> None:
        for name, cost in self.cost.items():
            self.counters[name] += cost + next(self.noise)

    def measured(self) -> Growth:
        return measure(self.work, self.read, PID)


def test_an_exact_count_is_seen_in_one_quiet_round() -> None:
    growth = Kernel(EXPECTED, itertools.repeat(0)).measured()
    assert (growth.exact, growth.rounds, growth.deviations()) == (True, 1, [])


def test_noise_that_comes_and_goes_does_not_matter() -> None:
    assert Kernel(EXPECTED, itertools.cycle([0, 0, 5, 0, 0, 0, 2, 0, 1, 0, 0])).measured().exact


@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("error", [-1, 1])
def test_one_call_too_few_or_too_many_is_never_exact(name: str, error: int) -> None:
    wrong = {**EXPECTED, name: EXPECTED[name] + error}
    growth = Kernel(wrong, itertools.repeat(0)).measured()
    assert (growth.exact, growth.rounds) == (False, ROUNDS)
    assert growth.deviations() == [f"{name} {wrong[name]} instead of {EXPECTED[name]}"]


def test_a_row_that_is_gone_is_an_error() -> None:
    with pytest.raises(FormatError, match="process 1 has no row"):
        measure(lambda: None, Kernel(EXPECTED, itertools.repeat(0)).read, 1)


def test_the_load_leaves_garbage_collection_as_it_was() -> None:
    assert gc.isenabled()
    with known_load() as work:
        assert not gc.isenabled()
        work()
    assert gc.isenabled()
