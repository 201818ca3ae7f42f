from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer_tools.check.dkms import file_installed, module_built, parse_status
from tracer_tools.check.engine import Status
from tracer_tools.errors import FormatError

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine

STATUS = "dkms status -m tracer"
RELEASE = "6.1.0-50-amd64"
INSTALL = f"sudo dkms install tracer/1.0.0 -k {RELEASE}"
LOG = f"""\
DKMS make.log for tracer-1.0.0 for kernel {RELEASE} (x86_64)
Sun Nov 22 22:48:53 UTC 2026
make -C /usr/src/linux-headers-{RELEASE} modules
block.c:12:3: error: too few arguments

make: *** [Makefile:250: __sub-make] Error 2
"""


def with_headers(machine: Machine) -> None:
    machine.write(f"/lib/modules/{RELEASE}/build/Makefile", "")


@pytest.mark.parametrize(
    ("line", "release"),
    [
        ("tracer, 1.0.0, 5.10.0-32-amd64, x86_64: installed", "5.10.0-32-amd64"),  # dkms 2.8.4
        ("tracer/1.0.0, 6.1.0-50-amd64, x86_64: installed", RELEASE),  # dkms 3.0
        (
            "tracer/1.0.0, 6.12.107+deb13-cloud-amd64, x86_64: installed",
            "6.12.107+deb13-cloud-amd64",
        ),
        ("tracer/1.0.0, 6.1.0-50-amd64, x86_64: installed (original_module exists)", RELEASE),
    ],
)
def test_an_installed_module_passes_in_every_dkms(
    machine: Machine, line: str, release: str
) -> None:
    machine.kernel = release
    machine.answer(STATUS, f"other/2.0, {release}, x86_64: built\n{line}\n")
    assert module_built(machine).status is Status.PASS


@pytest.mark.parametrize("line", ["tracer, 1.0.0: added", "tracer/1.0.0: added"])
def test_a_module_not_built_for_want_of_headers_says_so(machine: Machine, line: str) -> None:
    machine.answer(STATUS, f"{line}\n")
    finding = module_built(machine)
    assert finding.status is Status.FAIL
    assert "headers were missing" in finding.fact
    assert finding.command == (
        f"sudo apt install linux-headers-{RELEASE} && sudo dkms autoinstall -k {RELEASE}"
    )


def test_a_module_built_for_another_kernel_only_is_not_built_here(machine: Machine) -> None:
    with_headers(machine)
    machine.answer(STATUS, "tracer/1.0.0, 6.1.0-49-amd64, x86_64: installed\n")
    finding = module_built(machine)
    assert (finding.status, finding.command) == (Status.FAIL, INSTALL)


def test_a_failed_build_shows_the_end_of_its_log(machine: Machine) -> None:
    with_headers(machine)
    machine.answer(STATUS, "tracer/1.0.0: added\n")
    machine.write("/var/lib/dkms/tracer/1.0.0/build/make.log", LOG)
    finding = module_built(machine)
    assert (finding.status, finding.command) == (Status.FAIL, INSTALL)
    assert finding.detail[-2:] == (
        "block.c:12:3: error: too few arguments",
        "make: *** [Makefile:250: __sub-make] Error 2",
    )


def stand_in(machine: Machine, log: str) -> None:
    machine.answer(STATUS, f"tracer/1.0.0, {RELEASE}, x86_64: installed\n")
    machine.answer(f"modinfo -k {RELEASE} -F unsupported tracer", "it does not compile\n")
    machine.write(f"/var/lib/dkms/tracer/1.0.0/{RELEASE}/x86_64/log/make.log", log)


def test_a_module_that_stands_in_shows_what_did_not_compile(machine: Machine) -> None:
    stand_in(machine, LOG + "make: Entering directory\n  CC unsupported.o\n# exit code: 0\n")
    finding = module_built(machine)
    assert finding.status is Status.FAIL
    assert "only refuses to load: it does not compile; its log follows" in finding.fact
    assert "install --only-upgrade tracer-dkms" in finding.command
    assert finding.detail[-1] == "make: *** [Makefile:250: __sub-make] Error 2"


def test_a_module_that_stands_in_for_want_of_kretprobes_has_no_log(machine: Machine) -> None:
    stand_in(machine, "  CC unsupported.o\n")
    finding = module_built(machine)
    assert (finding.status, finding.command, finding.detail) == (Status.FAIL, "", ())


def test_a_log_of_another_kernels_build_is_not_shown(machine: Machine) -> None:
    with_headers(machine)
    machine.answer(STATUS, "tracer/1.0.0: added\n")
    log = LOG.replace(RELEASE, "6.1.0-49-amd64")
    machine.write("/var/lib/dkms/tracer/1.0.0/build/make.log", log)
    assert module_built(machine).detail == ()


def test_a_module_built_but_not_installed_is_to_be_installed(machine: Machine) -> None:
    with_headers(machine)
    machine.answer(STATUS, f"tracer/1.0.0, {RELEASE}, x86_64: built\n")
    finding = module_built(machine)
    assert (finding.status, finding.command) == (Status.FAIL, INSTALL)


@pytest.mark.parametrize(
    "remark",
    [
        "(WARNING! Diff between built and installed module!)",  # dkms 2.8 and 3.0
        "(Differences between built and installed modules)",  # dkms 3.2
        "(original_module exists) (WARNING! Missing some built modules!)",
    ],
)
def test_a_module_replaced_by_hand_is_a_warning(machine: Machine, remark: str) -> None:
    machine.answer(STATUS, f"tracer/1.0.0, {RELEASE}, x86_64: installed {remark}\n")
    finding = module_built(machine)
    assert finding.status is Status.WARN
    assert finding.command == f"sudo dkms install --force tracer/1.0.0 -k {RELEASE}"


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("tracer/1.0.0: broken\n", ""),  # dkms 3.2
        ("", "Error! File: /var/lib/dkms/tracer/1.0.0/source/dkms.conf does not exist.\n"),
    ],
)
def test_source_that_is_gone_is_to_be_installed_again(
    machine: Machine, output: str, errors: str
) -> None:
    machine.answer(STATUS, output, errors=errors)
    finding = module_built(machine)
    assert (finding.status, finding.command) == (
        Status.FAIL,
        "sudo apt install --reinstall ./tracer-dkms_*.deb",
    )


def test_without_dkms_a_module_from_elsewhere_is_enough(machine: Machine) -> None:
    assert module_built(machine).status is Status.FAIL
    machine.answer(f"modinfo -k {RELEASE} -F filename tracer", "/lib/modules/x/tracer.ko\n")
    assert module_built(machine).status is Status.SKIP


def test_a_file_that_modinfo_names_but_nobody_has_is_to_be_installed(machine: Machine) -> None:
    file = f"/lib/modules/{RELEASE}/updates/dkms/tracer.ko"
    machine.answer(f"modinfo -k {RELEASE} -F filename tracer", f"{file}\n")
    machine.answer(STATUS, f"tracer/1.0.0, {RELEASE}, x86_64: installed\n")
    finding = file_installed(machine)
    assert finding.status is Status.FAIL
    assert finding.command == f"sudo dkms install --force tracer/1.0.0 -k {RELEASE}"
    machine.write(file, "")
    assert file_installed(machine).status is Status.PASS


def test_a_loaded_module_that_is_not_installed_is_a_warning(machine: Machine) -> None:
    machine.load_module()
    machine.answer(f"modinfo -k {RELEASE} -F filename tracer", status=1)
    assert file_installed(machine).status is Status.WARN


def test_while_the_module_is_loaded_nothing_about_its_build_is_a_failure(machine: Machine) -> None:
    machine.load_module()
    machine.answer(STATUS, "tracer/1.0.0: added\n")
    assert module_built(machine).status is Status.WARN


def test_a_line_about_tracer_that_is_not_understood_is_named() -> None:
    with pytest.raises(FormatError, match="line 2: not understood: 'tracer/one'"):
        parse_status("other/1: added\ntracer/one\n")
