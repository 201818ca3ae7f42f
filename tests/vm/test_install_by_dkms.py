"""A system without the packages: the tree itself installs the module there, by dkms alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.aftermath import everything_in
from tracer_lab.commands import SHARE, run
from tracer_lab.layout import module_version
from tracer_lab.tree_machine import PLACE, Machine, Said, hidden, machine_with_tree, replaced
from tracer_lab.variants import TREE, set_version
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

pytestmark = pytest.mark.vm

BOOKWORM, TRIXIE = ("bookworm", "trixie")  # dkms 3.0 and 3.2
IN_GUEST = Path(__file__).with_name("in_guest")
SECONDS = 600
NODE = [True, [10, 42], "root", "tracer", "0o660"]  # a device, its number, owner, group, mode


@pytest.fixture(scope="module", params=[BOOKWORM, TRIXIE])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with machine_with_tree(f"by-dkms-{request.param}", request.param) as made:
        yield made


only_bookworm = pytest.mark.parametrize("machine", [BOOKWORM], indirect=True)


def refusal(message: str, hint: str) -> Said:
    """What is said, and no more, where something is refused."""
    return Said(1, f"error: {message}\n  {hint}\n")


FOREIGN = {
    "fedora": ("ID=fedora", "sudo dnf install {}", '"kernel-devel-uname-r == {kernel}"'),
    "arch": ("ID=arch", "sudo pacman -S {}", "linux-headers"),
    "opensuse": ("ID=opensuse-tumbleweed", "sudo zypper install {}", "kernel-amd64-devel"),
}


@only_bookworm
@pytest.mark.parametrize("distribution", FOREIGN)
def test_without_dkms_or_headers_it_says_how_this_distribution_has_them(
    machine: Machine, distribution: str
) -> None:
    release, command, package = FOREIGN[distribution]
    headers = machine.root / "usr/lib/modules" / machine.kernel / "build"
    with replaced(machine.root / "usr/lib/os-release", f"{release}\n"):
        with hidden(machine.root / "usr/sbin/dkms"):
            without_dkms = machine.install()
        with hidden(headers):
            without_headers = machine.install()
    assert without_dkms == refusal("dkms is not installed", command.format("dkms"))
    assert without_headers == refusal(
        f"the headers of Linux {machine.kernel} are not installed",
        command.format(package.format(kernel=machine.kernel)),
    )


@only_bookworm
def test_without_the_modules_of_python_it_says_what_it_needs(machine: Machine) -> None:
    with hidden(machine.root / "usr/lib/python3/dist-packages/invoke"):
        said = machine.install()
    (line,) = said.text.splitlines()
    assert (said.status, line.split(",")[0]) == (
        1,
        "bootstrap: Python 3.9 or newer with venv is needed",
    )


@only_bookworm
def test_a_kernel_that_is_not_there_is_refused_with_those_that_are(machine: Machine) -> None:
    said = machine.says("./bootstrap", "install", "--kernel=1.2.3")
    message = "there is no kernel 1.2.3 in /lib/modules"
    assert said == refusal(message, f"name one that is with --kernel: {machine.kernel}")


@only_bookworm
def test_a_kernel_that_dkms_would_skip_is_refused(machine: Machine) -> None:
    makefile = machine.root / "usr/lib/modules/99.1.0/build/Makefile"
    with replaced(makefile, ""):
        said = machine.says("./bootstrap", "install", "--kernel=99.1.0")
    shutil.rmtree(makefile.parents[1])
    begins = "error: Linux 99.1.0 is not yet supported (tracer supports "
    assert (said.status, said.text[: len(begins)]) == (1, begins)


@only_bookworm
@pytest.mark.parametrize("task", ["install", "uninstall"])
def test_without_root_it_says_sudo(machine: Machine, task: str) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    said = machine.says("env", "HOME=/nonexistent", *nobody, "./bootstrap", task)
    assert said == refusal(f"{task} on this system needs root", f"sudo ./bootstrap {task}")


@only_bookworm
@pytest.mark.parametrize("task", ["install", "uninstall"])
def test_the_module_of_the_package_is_left_to_apt(
    machine: Machine, task: str, tmp_path: Path
) -> None:
    control = tmp_path / "DEBIAN" / "control"
    control.parent.mkdir()
    fields = "Package: tracer-dkms\nVersion: 1\nArchitecture: all\n"
    control.write_text(f"{fields}Maintainer: A B <a@example.org>\nDescription: nothing\n")
    deb = machine.root / "var/tmp/tracer-dkms.deb"
    run(["dpkg-deb", "--build", str(tmp_path), str(deb)])
    assert machine.says("dpkg", "--install", "/var/tmp/tracer-dkms.deb").status == 0
    deb.unlink()
    said = machine.says("./bootstrap", task)
    assert machine.says("dpkg", "--purge", "tracer-dkms").status == 0
    message = "the package tracer-dkms is installed, and the module belongs to it"
    assert said == refusal(message, "sudo apt purge tracer-dkms")


@dataclass(frozen=True)
class Installed:
    """What was said of installing, and what there was before and after."""

    untouched: set[str]  # when all was refused
    dry_run: Said
    still_untouched: set[str]
    first: Said
    status: str
    after: set[str]
    again: Said
    after_again: set[str]


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Installed:
    return Installed(
        untouched=everything_in(machine.root),
        dry_run=machine.install("--dry-run"),
        still_untouched=everything_in(machine.root),
        first=machine.install(),
        status=machine.status(),
        after=everything_in(machine.root),
        again=machine.install(),
        after_again=everything_in(machine.root),
    )


def test_no_refusal_and_no_dry_run_changes_anything(machine: Machine, installed: Installed) -> None:
    assert installed.untouched ^ machine.before == set()
    assert installed.still_untouched ^ machine.before == set()


def test_a_dry_run_shows_each_command_and_each_file(machine: Machine, installed: Installed) -> None:
    assert installed.dry_run.status == 0
    lines = [line.strip() for line in installed.dry_run.text.splitlines()]
    version = module_version(TREE)
    commands = [line for line in lines if re.match("dkms |systemd-sysusers ", line)]
    assert commands == [
        f"dkms add tracer/{version}",
        f"dkms build tracer/{version} -k {machine.kernel}",
        f"dkms install tracer/{version} -k {machine.kernel}",
        "systemd-sysusers /usr/lib/sysusers.d/tracer.conf",
    ]
    written = {line.partition(" ")[2] for line in lines if line.startswith("write ")}
    files = {line.split(" ")[0] for line in installed.after - installed.untouched if " f " in line}
    own = {name for name in files if not re.match("/(etc|lib|var|usr/lib/modules)/", name)}
    assert written == own


def test_dkms_has_built_and_installed_the_module(machine: Machine, installed: Installed) -> None:
    assert installed.first.status == 0, installed.first.text
    assert installed.status == machine.installed(module_version(TREE))


def test_installing_twice_is_installing_once(machine: Machine, installed: Installed) -> None:
    assert installed.again.status == 0
    assert "nothing to do" in installed.again.text
    assert installed.after_again ^ installed.after == set()


@dataclass(frozen=True)
class Booted:
    """A guest that booted what was installed, and the facts that it wrote."""

    result: GuestResult
    facts: dict[str, Any]


@pytest.fixture(scope="module")
def booted(machine: Machine, installed: Installed) -> Booted:
    command = ["python3", f"{SHARE}/by_dkms.py", f"/{PLACE}", f"{SHARE}/facts.json"]
    with fresh_share(machine.name) as share:
        for script in ("by_dkms.py", "looking.py"):
            shutil.copy(IN_GUEST / script, share)
        live = ["live"] if machine.suite == BOOKWORM else []
        result = boot(Guest(machine.name, machine.root, share, [*command, *live], SECONDS))
        assert result.status == 0, result.output
        assert result.powered_off, f"console: {result.console}"
        return Booted(result, json.loads((share / "facts.json").read_text()))


def test_at_boot_the_module_is_loaded_and_udev_makes_its_node(booted: Booted) -> None:
    at_boot = booted.facts["boot"]
    assert (at_boot["loaded"], list(at_boot["node"].values())) == (True, NODE)


def test_tracer_check_passes(booted: Booted) -> None:
    check = booted.facts["tracer-check"]
    assert check["status"] == 0, check["output"]
    assert " 0 WARN, 0 FAIL, 0 SKIP)" in check["output"]


@only_bookworm
def test_it_does_not_uninstall_what_a_program_has_open(booted: Booted) -> None:
    held = booted.facts["held open"]
    message = "a program has /dev/tracer open, so the module cannot be unloaded"
    hint = "end the program; sudo fuser -v /dev/tracer names it"
    assert Said(held["status"], held["output"]) == refusal(message, hint)
    assert held["seen"] == booted.facts["boot"]


@only_bookworm
def test_what_is_half_done_is_completed(booted: Booted) -> None:
    assert booted.facts["half done"]["status"] == 0, booted.facts["half done"]["output"]
    assert booted.facts["half done"]["seen"] == booted.facts["boot"]


@only_bookworm
def test_on_a_running_system_too_twice_is_once(booted: Booted) -> None:
    again = booted.facts["again"]
    assert (again["status"], again["seen"]) == (0, booted.facts["boot"])
    assert "nothing to do" in again["output"]


@only_bookworm
def test_a_module_that_monitors_stays_loaded(booted: Booted) -> None:
    monitoring = booted.facts["monitoring"]
    assert monitoring["status"] == 0, monitoring["output"]
    assert "sudo modprobe -r tracer && sudo modprobe tracer" in monitoring["output"]
    assert monitoring["monitored"] == [booted.facts["pid"]]
    assert not monitoring["before"]["installed"]
    assert monitoring["seen"] == booted.facts["boot"]


@only_bookworm
def test_uninstalling_unloads_the_module_and_takes_all_away(booted: Booted) -> None:
    uninstall = booted.facts["uninstall"]
    assert uninstall["status"] == 0, uninstall["output"]
    assert "unload the module and lose the counters of 1 process\n" in uninstall["output"]
    assert uninstall["seen"] == {
        "loaded": False,
        "node": {},
        "group": False,
        "rule": False,
        "source": False,
        "added to dkms": False,
        "installed": False,
    }


def test_a_source_that_was_changed_is_built_again(machine: Machine, booted: Booted) -> None:
    with (machine.tree / "src/tracer/main.c").open("a") as source:
        source.write('MODULE_INFO(changed, "yes");\n')
    assert machine.module_field("changed") == ""
    assert machine.install().status == 0
    assert machine.module_field("changed") == "yes"


def test_the_group_is_made_without_systemd_too(machine: Machine, booted: Booted) -> None:
    assert machine.says("groupdel", "tracer").status == 0
    with hidden(machine.root / "usr/bin/systemd-sysusers"):
        assert machine.install().status == 0
    assert machine.says("getent", "group", "tracer").status == 0


def test_another_version_takes_the_place_of_the_one_before(
    machine: Machine, booted: Booted
) -> None:
    # What is worse, somebody has deleted the source of the one before.
    shutil.rmtree(machine.root / "usr/src" / f"tracer-{module_version(machine.tree)}")
    set_version(machine.tree, "1000.0.0")
    said = machine.install()
    assert said.status == 0, said.text
    assert machine.status() == machine.installed("1000.0.0")
    assert machine.module_field("version") == "1000.0.0"
    assert [path.name for path in machine.root.glob("usr/src/tracer-*")] == ["tracer-1000.0.0"]


def test_uninstalling_leaves_everything_as_it_was(machine: Machine, booted: Booted) -> None:
    for expected in ("remove", "nothing to do"):
        assert expected in machine.says("./bootstrap", "uninstall").text
    differ = everything_in(machine.root) ^ machine.before
    # A folder that other software has files in, too, stays: here nobody else has one.
    others = (f"/{PLACE}", "/usr/lib/modules-load.d d ")
    assert {line for line in differ if not line.startswith(others)} == set()
