"""The packages as their users meet them: installed by apt, booted, used, purged."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tracer_lab.cells import Cell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.roots import kernel_release
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

pytestmark = [pytest.mark.vm, pytest.mark.package]

IN_GUEST = Path(__file__).with_name("in_guest")
SECONDS = 180


@dataclass(frozen=True)
class Booted:
    """A guest that booted the installed root, and the facts that it wrote."""

    result: GuestResult
    facts: dict[str, Any]


@pytest.fixture(scope="module")
def booted(cell: Cell, installed: Path) -> Booted:
    name = f"package-{cell.name}"
    command = ["python3", f"{SHARE}/after_boot.py", f"{SHARE}/facts.json"]
    with fresh_share(name) as share:
        for script in ("after_boot.py", "looking.py"):
            shutil.copy(IN_GUEST / script, share)
        result = boot(Guest(name, installed, share, command, SECONDS))
        assert result.status == 0, result.output
        return Booted(result, json.loads((share / "facts.json").read_text()))


@pytest.fixture(scope="module")
def facts(booted: Booted) -> dict[str, Any]:
    return booted.facts


def test_dkms_builds_and_installs_the_module(installed: Path, version: str) -> None:
    status = run(in_root(installed, ["dkms", "status", "tracer"])).strip()
    assert status == f"tracer/{version}, {kernel_release(installed)}, x86_64: installed"


def test_the_group_exists(installed: Path) -> None:
    assert run(in_root(installed, ["getent", "group", "tracer"])).startswith("tracer:")


@pytest.mark.parametrize(
    "name",
    [
        "lib/modules/{kernel}/updates/dkms/tracer.ko",
        "usr/bin/tracer-check",
        "usr/bin/tracerctl",
        "usr/include/tracer.h",
        "usr/lib/udev/rules.d/60-tracer.rules",
        "usr/share/bash-completion/completions/tracerctl",
        "usr/share/man/man1/tracer-check.1.gz",
        "usr/share/man/man1/tracerctl.1.gz",
        "usr/share/man/man4/tracer.4.gz",
        "usr/share/zsh/vendor-completions/_tracerctl",
        "usr/src/tracer-{version}/dkms.conf",
    ],
)
def test_a_file_is_installed(installed: Path, version: str, name: str) -> None:
    path = installed / name.format(kernel=kernel_release(installed), version=version)
    assert path.is_file()


def test_the_module_is_loaded_at_boot(facts: dict[str, Any]) -> None:
    assert facts["loaded at boot"]


def test_udev_makes_the_node_for_root_and_the_group(facts: dict[str, Any]) -> None:
    assert facts["node"] == {
        "character device": True,
        "number": [10, 42],
        "owner": "root",
        "group": "tracer",
        "mode": "0o660",
    }


def test_tracer_check_passes(facts: dict[str, Any]) -> None:
    assert facts["tracer-check"]["status"] == 0, facts["tracer-check"]["output"]


def test_unloading_takes_the_node_away(facts: dict[str, Any]) -> None:
    assert facts["unload"]["status"] == 0, facts["unload"]["output"]
    assert facts["node without the module"] == {}


def test_the_guest_powers_off_in_order(booted: Booted) -> None:
    assert booted.result.powered_off, f"console: {booted.result.console}"
