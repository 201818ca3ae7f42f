"""prometheus-tracer-exporter as a service of systems that have really booted.

One boot of a suite takes all steps in order (in_guest/exporter.py); the tests judge what was found.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.cells import cell_named
from tracer_lab.commands import SHARE
from tracer_lab.exporter_system import exporter_system
from tracer_lab.guest_suite import NOT_COPIED, TESTS, TREE
from tracer_lab.machine import Machine, boot_system
from tracer_lab.packages import build_packages
from tracer_lab.vm import Guest

pytestmark = [pytest.mark.vm, pytest.mark.package]

IN_GUEST = Path(__file__).with_name("in_guest")
SECONDS = 1800  # emulated, on a busy machine
CAP_PERFMON = 1 << 38
MOST_EXPOSED = 2.0
RESTARTS, CHILDREN, STORM = 10, 5, 400  # of in_guest/exporter.py
FEW, LARGEST_SLAB = 3, 8192
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def steps() -> Facts:
    """What the exporter did on bookworm, step by step."""
    packages = build_packages(TREE, TREE / "dist")
    cell = cell_named("bookworm")
    with exporter_system(f"exporter-{cell.name}", cell, packages) as made:
        for folder in (IN_GUEST, TESTS):
            shutil.copytree(folder, made.share / folder.name, ignore=NOT_COPIED)
        command = ["python3", f"{SHARE}/{IN_GUEST.name}/exporter.py", f"{SHARE}/steps.json"]
        guest = Guest(made.name, made.root, made.share, command, SECONDS, memory="2G")
        result = boot_system(guest, Machine(made.disk, made.initramfs))
        assert result.status == 0, result.output
        found = json.loads((made.share / "steps.json").read_text())
        assert isinstance(found, dict)
        return found


def of(steps: Facts, name: str) -> Facts:
    """What a step found; fails the test if the step did."""
    found: Facts = steps[name]
    assert "failed" not in found, found["failed"]
    return found


def test_it_runs_from_its_installation_on(steps: Facts) -> None:
    found = of(steps, "service")
    assert (found["state"], found["enabled"]) == ("active", "enabled")
    assert "\ntracer_up 1.0\n" in found["page"]
    assert found["tracer-check"] == 0


def test_it_is_nobody_else_and_has_one_capability(steps: Facts) -> None:
    found = of(steps, "service")
    assert 61184 <= found["user"] <= 65519  # those that systemd takes for dynamic users
    assert {int(bits, 16) for bits in found["capabilities"].values()} == {CAP_PERFMON}


def test_systemd_finds_it_little_exposed(steps: Facts) -> None:
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", of(steps, "service")["security"])
    assert found
    assert float(found[1]) <= MOST_EXPOSED


def test_a_bad_file_is_named_by_line_and_the_others_count(steps: Facts) -> None:
    found = of(steps, "rules")
    assert found["reload"]["status"] == 0
    words = "/etc/tracer/monitor.d/bad.toml: line 3: unknown key 'comand'"
    assert words in found["journal"]
    assert words in found["check"]["output"]
    assert found["check"]["status"] == 1
    assert 'group="watched"' in found["page"]
    assert 'group="bad"' not in found["page"]


def test_over_ten_restarts_the_total_is_that_of_ftrace(steps: Facts) -> None:
    found = of(steps, "restarts")
    assert found["disturbed"] == []
    assert (found["lost"], found["missed"]) == (0, 0)
    assert found["added"] == RESTARTS + 1
    assert found["ended"] == RESTARTS + 1 + RESTARTS * CHILDREN
    counted = {name: found["after"][name] - found["before"][name] for name in found["after"]}
    # A block that was there before the trace, systemd's as a rule: ftrace cannot tell its size.
    unknown = counted["kfree_mem"] - found["ftrace"]["kfree_mem"]
    assert len(found["unknown"]) <= FEW
    assert 0 <= unknown <= LARGEST_SLAB * len(found["unknown"])
    assert counted == {**found["ftrace"], "kfree_mem": counted["kfree_mem"]}
    assert min(counted[name] for name in ("kmalloc", "kfree", "sched", "lock")) > 0


def test_in_a_storm_of_forks_no_total_shrinks(steps: Facts) -> None:
    found = of(steps, "storm")
    assert found["looks"] > 3
    assert found["shrunk"] == []
    assert (found["lost"], found["unfollowed"]) == (0, 0)
    assert found["last"]["kmalloc"] - found["first"]["kmalloc"] > STORM


def test_without_the_module_it_serves_what_it_has_and_comes_back(steps: Facts) -> None:
    found = of(steps, "module")
    assert (found["up without"], found["up"]) == (0, 1)
    assert found["stays away"], "the exporter had the module loaded"
    assert found["without"] == found["before"]
    assert all(found["after"][name] >= found["before"][name] for name in found["after"])
    assert found["after"]["kmalloc"] > found["before"]["kmalloc"]
    assert found["journal"].count("the module tracer is not loaded") == 1


def test_while_it_monitors_the_module_stays(steps: Facts) -> None:
    held = of(steps, "module")["held"]
    assert held["status"] != 0
    assert "in use" in held["output"]


def test_a_second_one_refuses(steps: Facts) -> None:
    found = of(steps, "second")
    assert found["status"] == 1
    assert found["output"] == (
        f"prometheus-tracer-exporter: an exporter runs already, as process {found['pid']}: "
        "a process is monitored once; stop that one first\n"
    )
    assert found["up"] == 1


def test_after_a_kill_it_takes_its_processes_over(steps: Facts) -> None:
    found = of(steps, "killed")
    assert found["total"]["kmalloc"] > 0
    assert "is monitored by another program" not in found["journal"]  # nor was anything before


def test_at_its_end_nothing_is_monitored(steps: Facts) -> None:
    found = of(steps, "end")
    assert found["stop"]["status"] == found["unload"]["status"] == 0
    assert found["rows"] == []
    assert "Traceback" not in found["journal"]
