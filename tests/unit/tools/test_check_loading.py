from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer_tools.check import module
from tracer_tools.check.engine import Status
from tracer_tools.module import RELOAD

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine

RELEASE = "6.1.0-50-amd64"


def install_module(machine: Machine, *, srcversion: str = "ABC") -> None:
    fields = {"filename": "/lib/modules/x/tracer.ko", "version": "1.0.0"}
    for field, value in {**fields, "srcversion": srcversion}.items():
        machine.answer(f"modinfo -k {RELEASE} -F {field} tracer", value + "\n")


def test_a_module_that_is_not_loaded_is_to_be_loaded(machine: Machine) -> None:
    finding = module.loaded(machine)
    assert (finding.status, finding.command) == (Status.FAIL, "sudo modprobe tracer")


def test_a_module_still_starting_is_not_loaded(machine: Machine) -> None:
    machine.write("/sys/module/tracer/initstate", "coming\n")
    assert module.loaded(machine).status is Status.FAIL


@pytest.mark.parametrize(("engine", "said"), [("ftrace\n", " with engine=ftrace"), ("", "")])
def test_a_loaded_module_says_which_engine_it_uses(
    machine: Machine, engine: str, said: str
) -> None:
    machine.load_module()
    if engine:
        machine.write("/sys/class/misc/tracer/engine", engine)
    finding = module.loaded(machine)
    assert (finding.status, finding.fact) == (Status.PASS, f"The module is loaded{said}.")


def test_the_driver_that_holds_the_minor_number_is_named(machine: Machine) -> None:
    machine.write("/proc/misc", "235 autofs\n 42 squatter\n")
    finding = module.loaded(machine)
    assert "10:42 belongs to squatter" in finding.fact
    assert finding.command == ""


def load_module(machine: Machine, *, version: str = "1.0.0", srcversion: str = "ABC") -> None:
    machine.write("/sys/module/tracer/version", f"{version}\n")
    machine.write("/sys/module/tracer/srcversion", f"{srcversion}\n")


def test_the_loaded_module_is_the_installed_one(machine: Machine) -> None:
    install_module(machine)
    load_module(machine)
    finding = module.loaded_is_installed(machine)
    assert finding.status is Status.PASS
    assert finding.fact == "The loaded module is the installed one (1.0.0)."


@pytest.mark.parametrize(
    ("version", "srcversion", "fact"),
    [
        ("0.9.9", "ABC", "is 0.9.9; the installed one, 1.0.0, waits for a reload"),
        ("1.0.0", "ABD", "is ABD; the installed one, ABC, waits for a reload"),
    ],
)
def test_another_installed_module_waits_for_a_reload(
    machine: Machine, version: str, srcversion: str, fact: str
) -> None:
    install_module(machine)
    load_module(machine, version=version, srcversion=srcversion)
    finding = module.loaded_is_installed(machine)
    assert (finding.status, finding.command) == (Status.WARN, RELOAD)
    assert fact in finding.fact


def test_a_kernel_without_source_versions_still_tells_the_version(machine: Machine) -> None:
    install_module(machine, srcversion="")
    machine.write("/sys/module/tracer/version", "0.9.9\n")
    assert module.loaded_is_installed(machine).status is Status.WARN


def test_without_an_installed_module_there_is_nothing_to_compare(machine: Machine) -> None:
    load_module(machine)
    assert module.loaded_is_installed(machine).status is Status.SKIP
