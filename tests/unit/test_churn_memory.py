"""What the churn test calls growth of memory."""

from __future__ import annotations

from types import ModuleType
from typing import Callable

import pytest

BEFORE = {"kmalloc-64": 5000, "pid": 100}
TOTALS = {"slab": 30 << 20, "per CPU": 2 << 20}


@pytest.fixture
def memory(imported: Callable[[str], ModuleType]) -> ModuleType:
    return imported("tests/vm/in_guest/churn_memory.py")


def growth(memory: ModuleType, objects: dict[str, int], totals: dict[str, int]) -> list[str]:
    before = memory.Level(BEFORE, TOTALS)
    bounds = memory.Bounds(1000, {"slab": 8 << 20, "per CPU": 1 << 19})
    found: list[str] = memory.growth(before, memory.Level(objects, totals), bounds)
    return found


def test_what_has_become_less_or_a_little_more_has_not_grown(memory: ModuleType) -> None:
    more = {"slab": (30 << 20) + 4096, "per CPU": 1 << 20}
    assert growth(memory, {"kmalloc-64": 6000, "pid": 1}, more) == []


def test_a_cache_with_too_many_objects_has_grown(memory: ModuleType) -> None:
    objects = {**BEFORE, "kmalloc-64": 6001}
    assert growth(memory, objects, TOTALS) == ["kmalloc-64: 1001 objects more"]


def test_a_cache_that_was_not_there_before_counts(memory: ModuleType) -> None:
    objects = {**BEFORE, "kmalloc-96": 1001}
    assert growth(memory, objects, TOTALS) == ["kmalloc-96: 1001 objects more"]


def test_memory_beyond_its_bound_has_grown(memory: ModuleType) -> None:
    totals = {**TOTALS, "per CPU": (2 << 20) + (1 << 19) + 1}
    assert growth(memory, BEFORE, totals) == ["per CPU: 524289 bytes more"]
