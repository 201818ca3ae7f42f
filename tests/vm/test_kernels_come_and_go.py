"""Headers and kernels that come and go: dkms's own hooks keep the module with each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.aftermath import OURS, Aftermath, Sandbox, sandbox, small_kernel
from tracer_lab.vm import Guest, boot, fresh_share

pytestmark = [pytest.mark.vm, pytest.mark.package]

SUITES = ("bullseye", "bookworm", "trixie")  # dkms 2.8, 3.0, 3.2
BOOTED = "bookworm"  # without headers; tracer-check is the same everywhere
SECONDS = 180
STEPS = ("no headers", "headers", "second kernel", "kernel removed")


@dataclass(frozen=True)
class History:
    """What a machine was like after each step, and what tracer-check said before the second."""

    own: str
    other: str
    root: Path
    steps: dict[str, Aftermath]
    checked: str


def without_headers(made: Sandbox, own: str, debs: list[Path]) -> None:
    """Install the packages on a machine with the kernel ``own`` and nothing to build with."""
    meta = f"linux-headers-{own.rpartition('-')[2]}"
    made.apt("headers gone", "remove", f"linux-headers-{own}", meta)
    made.apt("no headers", "install", debs=debs)


def check(root: Path, name: str) -> str:
    """What tracer-check says in a guest that booted the root; a FAIL is expected."""
    with fresh_share(name) as share:
        result = boot(Guest(name, root, share, ["tracer-check"], SECONDS))
    assert result.status == 1, result.output
    return result.output


@pytest.fixture(scope="module", params=SUITES)
def history(request: pytest.FixtureRequest, debs: list[Path]) -> Iterator[History]:
    """A machine that went through it all. Whenever apt does not exit 0, it is an error."""
    with sandbox(request.param, "kernels") as made:
        (own,) = made.kernels
        other, others = small_kernel(own)
        without_headers(made, own, debs)
        made.apt("update", "update")
        checked = check(made.root, "no-headers") if request.param == BOOTED else ""
        made.apt("headers", "install", f"linux-headers-{own}")
        made.apt("second kernel", "install", *others)
        made.apt("kernel removed", "purge", *others)
        yield History(own, other, made.root, made.steps, checked)


def test_without_headers_apt_succeeds_and_nothing_is_built(history: History) -> None:
    after = history.steps["no headers"]
    assert {after.packages[name] for name in OURS} == {"installed"}
    assert after.modules == {}
    assert after.dkms.strip().endswith(": added")


@pytest.mark.parametrize("history", [BOOTED], indirect=True)
def test_without_headers_tracer_check_names_the_package(history: History) -> None:
    lines = history.checked.splitlines()
    numbers = [number for number, line in enumerate(lines) if "kernel-headers" in line]
    assert lines[numbers[0]].startswith("FAIL")
    assert lines[numbers[0] + 1].strip() == f"sudo apt install linux-headers-{history.own}"


def test_headers_that_arrive_bring_the_module(history: History) -> None:
    assert list(history.steps["headers"].modules) == [history.own]


def test_two_kernels_have_a_module_each(history: History) -> None:
    after = history.steps["second kernel"]
    assert sorted(after.modules) == sorted([history.own, history.other])
    assert after.dkms.count(": installed") == 2
    assert {after.packages[name] for name in small_kernel(history.own)[1]} == {"installed"}


def test_a_kernel_that_goes_takes_its_module_along(history: History) -> None:
    after = history.steps["kernel removed"]
    assert list(after.modules) == [history.own]
    assert {file.relative_to(history.root / "lib/modules").parts[0] for file in after.files} == {
        history.own
    }
    assert history.other not in after.dkms


@pytest.mark.parametrize("step", STEPS)
def test_dpkg_finds_nothing_wrong(history: History, step: str) -> None:
    assert history.steps[step].audit == ""
