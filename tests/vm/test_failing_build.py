"""A version that does not compile: apt never suffers for it, and the user is told what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.aftermath import OURS, Aftermath, Sandbox, module_field, sandbox, small_kernel
from tracer_lab.variants import packages_of_variant, set_version
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

pytestmark = [pytest.mark.vm, pytest.mark.package]

SUITES = ("bullseye", "bookworm", "trixie")  # dkms 2.8, 3.0, 3.2
BOOTED = "bookworm"
SECONDS = 180
ERROR = "this kernel is not for tracer"
# No compiler that works is like a module of which nothing at all compiles.
BROKEN, HOPELESS, MENDED = VERSIONS = ("1001.0.0", "1002.0.0", "1003.0.0")
FAILING = {BROKEN: ("device.c",), HOPELESS: ("device.c", "unsupported.c"), MENDED: ()}
STEPS = (BROKEN, "kernel", HOPELESS, MENDED)
LOAD = "tracer-check; modprobe tracer || dmesg | grep tracer:"


@dataclass(frozen=True)
class History:
    """What a machine was like after each version, and after a kernel came to the first."""

    own: str
    newcomer: str
    steps: dict[str, Aftermath]
    reasons: dict[str, str]  # why the module of each kernel does not load, when both were there
    booted: GuestResult | None


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[Path]]:
    """Packages of this tree with those versions, of which the first two do not compile."""

    def spoil(version: str) -> Callable[[Path], None]:
        def change(tree: Path) -> None:
            set_version(tree, version)
            for name in FAILING[version]:
                with (tree / "src" / "tracer" / name).open("a") as file:
                    file.write(f"#error {ERROR}\n")

        return change

    return {
        version: packages_of_variant(tmp_path_factory.mktemp(version), spoil(version)).debs
        for version in VERSIONS
    }


@pytest.fixture(scope="module", params=SUITES)
def history(
    request: pytest.FixtureRequest, packages: dict[str, Sequence[Path]]
) -> Iterator[History]:
    """A machine that went through it all. Whenever apt does not exit 0, it is an error."""
    with sandbox(request.param, "failing") as made:
        (own,) = made.kernels
        made.apt(BROKEN, "install", debs=packages[BROKEN])
        booted = try_to_load(made) if request.param == BOOTED else None
        newcomer, packages_of_kernel = small_kernel(own)
        made.apt("update", "update")
        made.apt("kernel", "install", *packages_of_kernel)
        reasons = {
            kernel: module_field(made.root, kernel, "unsupported") for kernel in made.kernels
        }
        for version in (HOPELESS, MENDED):
            made.apt(version, "install", debs=packages[version])
        yield History(own, newcomer, made.steps, reasons, booted)


def try_to_load(made: Sandbox) -> GuestResult:
    """Boot the machine; have tracer-check look, and load the module."""
    with fresh_share(made.root.name) as share:
        return boot(Guest(made.root.name, made.root, share, ["sh", "-c", LOAD], SECONDS))


@pytest.mark.parametrize("step", STEPS)
def test_the_packages_are_configured(history: History, step: str) -> None:
    after = history.steps[step]
    assert {after.packages[name] for name in OURS} == {"installed"}
    assert after.audit == ""


def test_the_packages_of_a_kernel_that_arrives_are_configured(history: History) -> None:
    after = history.steps["kernel"]
    _, names = small_kernel(history.own)
    assert {after.packages[name] for name in names} == {"installed"}


def test_each_kernel_has_a_module_that_says_why_it_does_not_load(history: History) -> None:
    assert set(history.reasons) == {history.own, history.newcomer}
    for reason in history.reasons.values():
        assert "does not compile for this kernel: install a newer one" in reason


@pytest.mark.parametrize("step", [BROKEN, "kernel"])
def test_apt_prints_why_it_will_not_work_and_on_which_kernel(history: History, step: str) -> None:
    kernel = history.own if step == BROKEN else history.newcomer
    # dkms may be in the middle of a line of its progress, which goes to another stream.
    warnings = re.findall("WARNING.*", history.steps[step].said)
    assert warnings == [
        f"WARNING: tracer will not work on Linux {kernel}: {history.reasons[kernel]}."
    ]


def test_a_build_of_which_nothing_compiles_is_told_of(history: History) -> None:
    after = history.steps[HOPELESS]
    assert after.modules == {}
    assert "WARNING: dkms could not build the module tracer" in after.said
    assert "tracer-check says what to do" in after.said


def test_a_version_that_compiles_mends_it(history: History) -> None:
    after = history.steps[MENDED]
    assert set(after.modules.values()) == {MENDED}
    assert "WARNING" not in after.said


@pytest.mark.parametrize("history", [BOOTED], indirect=True)
def test_tracer_check_shows_what_the_compiler_said(history: History) -> None:
    assert history.booted is not None
    lines = history.booted.output.splitlines()
    (number,) = (number for number, line in enumerate(lines) if line.startswith("FAIL"))
    assert lines[number].split()[1] == "dkms-state"
    assert history.reasons[history.own] in lines[number]
    details = "\n".join(lines[number + 1 :])
    assert ERROR in details
    assert "sudo apt update && sudo apt install --only-upgrade tracer-dkms" in details


@pytest.mark.parametrize("history", [BOOTED], indirect=True)
def test_the_kernel_log_says_it_too(history: History) -> None:
    assert history.booted is not None
    assert f"tracer: {history.reasons[history.own]}" in history.booted.output
