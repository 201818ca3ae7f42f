"""The packages on a system that has really booted: its users, an upgrade, and a purge.

One boot of each suite takes all steps in order (in_guest/running_system.py); the tests judge
what was found.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest

from tracer_lab.beforehand import CCACHE, compile_beforehand, remove_drivers
from tracer_lab.cells import Cell, cell_named
from tracer_lab.commands import SHARE
from tracer_lab.disk import ensure_initramfs, system_disk
from tracer_lab.machine import Machine, boot_system
from tracer_lab.roots import ensure_installed, in_use
from tracer_lab.variants import packages_of_variant, set_version
from tracer_lab.vm import Guest, GuestResult, fresh_share

pytestmark = [pytest.mark.vm, pytest.mark.package]

IN_GUEST = Path(__file__).with_name("in_guest")
SCRIPTS = ("running_system.py", "looking.py", "worker.py")
SECONDS = 1800  # emulated, on a busy machine
YIELDS = 101  # of worker.py
PID, SCHED = 0, 5  # columns of /proc/tracer
NEWER = "99.1"
NODE = {
    "character device": True,
    "number": [10, 42],
    "owner": "root",
    "group": "tracer",
    "mode": "0o660",
}
FIRST_STEPS = ("boot", "member", "outsider")


@dataclass(frozen=True)
class Case:
    """A suite to boot, and what is done there beside the first steps."""

    cell: Cell
    other_c: bool  # the newer version is of other C; or else only its number is another
    steps: tuple[str, ...]


BOOKWORM = Case(
    cell_named("bookworm"),
    other_c=True,
    steps=("upgrade_while_monitoring", "purge_while_monitoring"),
)
TRIXIE = Case(
    cell_named("trixie"),
    other_c=False,
    steps=("upgrade_while_idle", "purge_while_open"),
)


@dataclass(frozen=True)
class Story:
    """What happened in a guest."""

    result: GuestResult
    facts: dict[str, Any]
    kernel_log: str

    def of(self, step: str) -> dict[str, Any]:
        """What a step found; fails if the script broke off before its end."""
        assert step in self.facts, self.result.output
        found = self.facts[step]
        assert isinstance(found, dict)
        return found


def newer(case: Case, tree: Path) -> None:
    """Make a tree one of the newer version."""
    set_version(tree, NEWER)
    if case.other_c:
        file = tree / "src" / "tracer" / "main.c"
        text = file.read_text()
        changed = text.replace('MODULE_DESCRIPTION("', 'MODULE_DESCRIPTION("Newer. ')
        assert changed != text
        file.write_text(changed)


def boot_and_do(case: Case, debs: Sequence[Path], folder: Path) -> Story:
    """Boot a suite with the packages installed, and take all steps of its case."""
    name = f"running-{case.cell.name}"
    root = ensure_installed(case.cell, debs)
    initramfs = ensure_initramfs(case.cell)
    upgrade = packages_of_variant(folder, lambda tree: newer(case, tree)).debs

    def change(copy: Path) -> None:
        compile_beforehand(copy, upgrade)
        remove_drivers(copy)

    with (
        in_use(root),
        fresh_share(name) as share,
        system_disk(root, name, change=change) as disk,
    ):
        (share / "newer").mkdir()
        for script in SCRIPTS:
            shutil.copy(IN_GUEST / script, share)
        for deb in upgrade:
            shutil.copy(deb, share / "newer")
        quiet = "DEBIAN_FRONTEND=noninteractive"
        command = [*CCACHE, quiet, "python3", f"{SHARE}/running_system.py", f"{SHARE}/facts.json"]
        command += [f"{SHARE}/newer", *FIRST_STEPS, *case.steps]
        guest = Guest(name, root, share, command, SECONDS, memory="2G")
        result = boot_system(guest, Machine(disk, initramfs))
        facts = json.loads((share / "facts.json").read_text())
        return Story(result, facts, (share / "kernel.log").read_text())


@pytest.fixture(scope="module")
def bookworm(debs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Story:
    return boot_and_do(BOOKWORM, debs, tmp_path_factory.mktemp("bookworm"))


@pytest.fixture(scope="module")
def trixie(debs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Story:
    return boot_and_do(TRIXIE, debs, tmp_path_factory.mktemp("trixie"))


@pytest.fixture(params=["bookworm", "trixie"])
def story(request: pytest.FixtureRequest) -> Story:
    """That of each suite, one after the other."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Story)
    return found


def listed(found: dict[str, Any]) -> dict[int, int]:
    """What tracerctl list --json showed: calls of schedule by PID."""
    assert found["status"] == 0, found["output"]
    return {row["PID"]: row["sched"] for row in json.loads(found["output"])["processes"]}


def test_systemd_brings_the_system_up_whole(story: Story) -> None:
    boot = story.of("boot")
    assert boot["init"] == "systemd"
    assert (boot["state"], boot["failed units"]) == ("running", "")


def test_the_module_is_loaded_at_boot_by_its_load_entry(story: Story) -> None:
    # Nothing else has touched it: a node is no reason for udev to load a module.
    assert story.of("boot")["module"]
    assert story.of("boot")["load service"] == "Result=success\n"


def test_udev_gives_the_node_to_root_and_the_group(story: Story) -> None:
    assert story.of("boot")["node"] == NODE


def test_a_member_of_the_group_monitors_a_process_of_its_own(story: Story) -> None:
    member = story.of("member")
    assert member["groups"] == ["alice", "tracer"]
    assert member["add"] == {"status": 0, "output": ""}
    before, after = listed(member["first list"]), listed(member["second list"])
    assert before.keys() == after.keys() == {member["pid"]}
    assert after[member["pid"]] - before[member["pid"]] >= YIELDS
    assert member["remove"] == {"status": 0, "output": ""}
    assert listed(member["last list"]) == {}


def test_a_member_cannot_monitor_the_process_of_another(story: Story) -> None:
    member = story.of("member")
    assert member["add of another's"] == {
        "status": 1,
        "output": f"tracerctl: process {member['other pid']} is not yours to monitor: "
        "it belongs to bob; use sudo\n",
    }


def test_another_user_does_not_see_the_row_of_a_member(story: Story) -> None:
    assert listed(story.of("member")["list of the outsider"]) == {}


def test_tracer_check_passes_for_a_member(story: Story) -> None:
    check = story.of("member")["tracer-check"]
    assert check["status"] == 0, check["output"]


def test_a_user_outside_the_group_cannot_open_the_node(story: Story) -> None:
    outsider = story.of("outsider")
    assert "PermissionError: [Errno 13]" in outsider["open"]["output"]
    assert outsider["add"]["status"] == 1
    (line,) = outsider["add"]["output"].splitlines()
    assert "you may not open /dev/tracer" in line
    assert "adduser bob tracer" in line


def test_tracer_check_tells_a_user_outside_the_group_how_to_join(story: Story) -> None:
    check = story.of("outsider")["tracer-check"]
    assert check["status"] == 1
    assert "FAIL  device-access" in check["output"]
    assert re.search("sudo (adduser bob tracer|usermod -aG tracer bob)", check["output"])


def test_an_upgrade_leaves_a_module_that_monitors_as_it_is(bookworm: Story) -> None:
    step = bookworm.of("upgrade_while_monitoring")
    assert step["apt"]["status"] == 0, step["apt"]["output"]
    assert step["module before"] == step["module after"] == bookworm.of("boot")["module"]
    (before,), (after,), (worked,) = (
        step[f"rows {when}"] for when in ("before", "after", "after work")
    )
    assert before[PID] == after[PID] == worked[PID] == step["pid"]
    assert all(old <= new for old, new in zip(before, after))
    assert worked[SCHED] - after[SCHED] >= YIELDS
    assert step["remove"] == {"status": 0, "output": ""}


def test_tracer_check_says_that_the_newer_module_waits_for_a_reload(bookworm: Story) -> None:
    check = bookworm.of("upgrade_while_monitoring")["check"]
    warned = {name: one["fact"] for name, one in check.items() if one["status"] != "PASS"}
    running = bookworm.of("boot")["module"]["version"]
    assert warned == {
        "module-current": f"The loaded module is {running}; the installed one, {NEWER}, "
        "waits for a reload."
    }


def test_the_command_of_tracer_check_changes_to_the_newer_module(bookworm: Story) -> None:
    step = bookworm.of("upgrade_while_monitoring")
    assert step["reload"] == {"status": 0, "output": ""}
    assert step["module after reload"]["version"] == NEWER
    assert step["module after reload"]["srcversion"] != step["module before"]["srcversion"]
    assert {one["status"] for one in step["check after reload"].values()} == {"PASS"}


def test_an_upgrade_with_nothing_monitored_changes_to_the_newer_module(trixie: Story) -> None:
    step = trixie.of("upgrade_while_idle")
    assert step["apt"]["status"] == 0, step["apt"]["output"]
    assert step["module after"]["version"] == NEWER
    assert step["module after"]["srcversion"] == trixie.of("boot")["module"]["srcversion"]
    assert step["node"] == NODE
    assert {one["status"] for one in step["check"].values()} == {"PASS"}


def test_a_purge_while_monitoring_unloads_the_module(bookworm: Story) -> None:
    step = bookworm.of("purge_while_monitoring")
    assert step["apt"]["status"] == 0, step["apt"]["output"]
    assert len(step["rows before"]) == 1
    assert step["module"] == {}


def test_a_purge_says_that_a_module_in_use_stays_loaded(trixie: Story) -> None:
    step = trixie.of("purge_while_open")
    purged = step["as long as it is open"]
    assert purged["apt"]["status"] == 0, purged["apt"]["output"]
    assert purged["module"]["version"] == NEWER
    said = [line for line in purged["apt"]["output"].splitlines() if "stays loaded" in line]
    assert said == [
        "tracer stays loaded, as a program has /dev/tracer open; once none has: sudo rmmod tracer"
    ]
    assert step["unload"] == {"status": 0, "output": ""}


@pytest.mark.parametrize(
    ("suite", "step"),
    [("bookworm", "purge_while_monitoring"), ("trixie", "purge_while_open")],
)
def test_a_purge_leaves_nothing(suite: str, step: str, request: pytest.FixtureRequest) -> None:
    left = request.getfixturevalue(suite).of(step)
    # A node that was made at boot, before the module was loaded, stays until the next one: Debian's
    # Policy, 10.6, lets no maintainer script remove it.
    assert left["files"] == []
    assert not left["group"]
    assert left["groups of the member"] == {"status": 0, "output": "alice\n"}
    assert "tracer" not in left["dkms"]
    assert left["modprobe"]["status"] != 0


def test_the_kernel_has_nothing_to_complain_of(
    story: Story, imported: Callable[[str], ModuleType]
) -> None:
    complaint = imported("tests/guest/kmsg.py").COMPLAINT
    assert [line for line in story.kernel_log.splitlines() if complaint.search(line)] == []


def test_the_system_powers_off_in_order(story: Story) -> None:
    assert story.result.status == 0, story.result.output
    assert story.result.powered_off, f"console: {story.result.console}"
