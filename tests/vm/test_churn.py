"""Everything at the same time, for minutes: what is left afterwards is what was there before.

One boot of a guest with four processors does it all (in_guest/churn.py). How many minutes
``invoke churn --minutes 60`` says; here it is two.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.bench.root import ensure_bench_root
from tracer_lab.cells import cell_named
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.guest_suite import NOT_COPIED, TESTS, TREE, build_programs
from tracer_lab.roots import kernel_release, log_of
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

pytestmark = pytest.mark.vm

CELL = "bookworm"  # whose root of the bench has stress-ng
CPUS = 4
MEMORY = "3G"  # of which 1 GiB is for the largest table of blocks
MINUTES = float(os.environ.get("TRACER_CHURN_MINUTES", "2"))
SECONDS = int(600 + 120 * MINUTES)  # waiting included, emulated, on a busy machine
IN_GUEST = Path(__file__).with_name("in_guest")
FIGURES = TREE / "build" / "churn.json"
LIMITS = 4  # cases of in_guest/churn.py
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def ended() -> tuple[GuestResult, Facts]:
    """How the guest ended, and what it found; also kept in build/churn.json."""
    name = f"churn-{CELL}"
    root = ensure_bench_root(cell_named(CELL))
    with fresh_share(name) as share:
        for folder in (IN_GUEST, TESTS, TREE / "src" / "tracer"):
            shutil.copytree(folder, share / folder.name, ignore=NOT_COPIED)
        log = log_of(f"{name}-build")
        build_programs(root, share, TREE, log)
        headers = f"KDIR=/lib/modules/{kernel_release(root)}/build"
        make = ["make", "-C", f"{SHARE}/tracer", headers, "TRACER_VERSION=churn"]
        run(in_root(root, make, share), log=log)
        script = f"{SHARE}/{IN_GUEST.name}/churn.py"
        command = ["python3", script, f"{SHARE}/facts.json", str(MINUTES)]
        result = boot(Guest(name, root, share, command, SECONDS, cpus=CPUS, memory=MEMORY))
        assert result.status == 0, result.output
        text = (share / "facts.json").read_text(encoding="utf-8")
    facts: Facts = {"kernel": result.kernel, "minutes": MINUTES, **json.loads(text)}
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return result, facts


@pytest.fixture
def storms(ended: tuple[GuestResult, Facts]) -> Facts:
    return step(ended, "storms")


@pytest.fixture
def limits(ended: tuple[GuestResult, Facts]) -> Facts:
    return step(ended, "limits")


@pytest.fixture
def loads(ended: tuple[GuestResult, Facts]) -> Facts:
    return step(ended, "loads")


def step(ended: tuple[GuestResult, Facts], name: str) -> Facts:
    """What a step found; fails the test if the step did."""
    found: Facts = ended[1][name]
    assert "failed" not in found, found["failed"]
    return found


def assert_exact(found: Facts) -> None:
    """Check what the workers counted: all of it, as no sample was missed."""
    assert found["missed_samples"] == "0"
    assert set(found["errors"]) == {0}
    assert found["counted"] == [found["expected"]] * len(found["counted"])


@pytest.mark.parametrize("name", ["storms", "limits", "loads"])
def test_the_kernel_complains_of_nothing(ended: tuple[GuestResult, Facts], name: str) -> None:
    assert step(ended, name)["complaints"] == []


def test_no_memory_has_grown_after_storms(storms: Facts) -> None:
    assert storms["grown"] == [], storms["levels"]


def test_only_the_living_have_a_row_after_each_storm(storms: Facts) -> None:
    assert storms["rows"] == [storms["pids"]] * storms["rounds"]
    assert int(storms["processes"]) == len(storms["pids"])


def test_who_lived_through_all_storms_has_exact_counts(storms: Facts) -> None:
    assert_exact(storms)


def test_all_of_it_happened(storms: Facts) -> None:
    """A storm in which an actor did nothing shows nothing."""
    assert storms["tally"].keys() >= {
        *("add OK", "remove OK", "add ESRCH", "tables", "records", "of programs begun by exec"),
        *(f"stress-ng --{name}" for name in ("fork", "pipe", "mutex", "malloc", "sock")),
    }


def test_at_its_limits_it_counts_exactly(limits: Facts) -> None:
    assert len(limits["cases"]) == LIMITS
    for case in limits["cases"].values():
        assert_exact(case)
        assert case["rows"] == case["pids"]


def test_when_the_table_is_full_nobody_else_is_added(limits: Facts) -> None:
    tally = limits["cases"]["max_processes=1"]["tally"]
    assert tally["add ENOSPC"] > 0
    assert "add OK" not in tally


def test_each_load_under_load_counts_exactly(loads: Facts) -> None:
    assert len(loads["loads"]) == loads["wanted"]
    for load in loads["loads"]:
        assert_exact(load)


def test_unloading_is_refused_while_the_device_is_open(loads: Facts) -> None:
    assert {load["unload while it is open"] for load in loads["loads"]} == {"EAGAIN"}


def test_each_unload_leaves_nothing(loads: Facts) -> None:
    assert [load["left"] for load in loads["loads"]] == [[]] * loads["wanted"]
    assert loads["probes"] == []


def test_no_memory_has_grown_after_loads(loads: Facts) -> None:
    assert loads["grown"] == [], loads["levels"]


def test_the_guest_powers_off_in_order(ended: tuple[GuestResult, Facts]) -> None:
    assert ended[0].powered_off, f"console: {ended[0].console}"
