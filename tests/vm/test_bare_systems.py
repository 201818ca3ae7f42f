"""Machines that lack something: a container, a chroot, a system without openssl."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.aftermath import APT, OURS, Aftermath, Sandbox, aftermath, module_field, sandbox
from tracer_lab.commands import ENTER_ROOT, SHARE, as_root, in_root, run
from tracer_lab.roots import offered

pytestmark = [pytest.mark.vm, pytest.mark.package]

SUITES = ("bullseye", "bookworm", "trixie")  # dkms 2.8, 3.0, 3.2
# A command within others that prepare the system for it, all in one mount namespace.
WITHOUT_DEV = ("sh", "-c", 'mount -t tmpfs tmpfs /dev && exec "$@"', "sh")
BIND = "import socket; socket.socket(socket.AF_UNIX).bind('/run/udev/control')"
WITH_UDEV = ("sh", "-c", f'mkdir /run/udev && python3 -c "{BIND}" && exec "$@"', "sh")
CALLS = "modprobe-calls"
RECORDER = f'#!/bin/sh\necho "$@" >> /{CALLS}\n'
AGAIN = ("install", "--reinstall")
WITHOUT_OPENSSL = "dpkg --purge --force-depends openssl && rm -f /var/lib/dkms/mok.*"
STEPS = ("in a container without /dev", "in a chroot", "on a system", "without openssl")


@dataclass(frozen=True)
class Bare:
    """What such machines of a suite were like when apt had installed the packages."""

    suite: str
    kernel: str
    steps: dict[str, Aftermath]
    calls: dict[str, str]  # what modprobe was called with
    signer: str  # whose key the module was signed with without openssl


def record_modprobe(root: Path) -> None:
    """Have modprobe only write down how it is called."""
    modprobe = root / "sbin" / "modprobe"
    modprobe.unlink()
    modprobe.write_text(RECORDER)
    modprobe.chmod(0o755)


def calls_of(root: Path) -> str:
    """How modprobe was called since the last time."""
    calls = root / CALLS
    text = calls.read_text() if calls.exists() else ""
    calls.unlink(missing_ok=True)
    return text


def install_in_chroot(made: Sandbox, debs: list[Path]) -> Aftermath:
    """Install the packages where process 1 has another root, as in the chroot of a rescue disk."""
    with offered(made.root, debs) as names:
        enter = ["unshare", "--mount", "sh", str(ENTER_ROOT), str(made.root), SHARE, ""]
        run(as_root([*enter, *WITH_UDEV, *APT, *AGAIN, *names]), log=made.log)
    return aftermath(made.root)


@pytest.fixture(scope="module", params=SUITES)
def bare(request: pytest.FixtureRequest, debs: list[Path]) -> Iterator[Bare]:
    """Such machines, one after the other. Whenever apt does not exit 0, it is an error."""
    calls = {}
    container, chroot, system, unsigned = STEPS
    with sandbox(request.param, "bare") as made:
        (kernel,) = made.kernels
        switch = made.root / "etc/dkms/no-autoinstall"
        record_modprobe(made.root)
        made.apt(container, "install", debs=debs, within=WITHOUT_DEV)
        calls[container] = calls_of(made.root)
        # Only modprobe is of interest in the next two, and building takes a while.
        switch.touch()
        made.steps[chroot] = install_in_chroot(made, debs)
        calls[chroot] = calls_of(made.root)
        made.apt(system, *AGAIN, debs=debs, within=WITH_UDEV)
        calls[system] = calls_of(made.root)
        switch.unlink()
        run(in_root(made.root, ["sh", "-c", WITHOUT_OPENSSL]), log=made.log)
        made.apt(unsigned, *AGAIN, debs=debs)
        signer = module_field(made.root, kernel, "signer")
        yield Bare(request.param, kernel, made.steps, calls, signer)


@pytest.mark.parametrize("step", STEPS)
def test_the_packages_are_configured(bare: Bare, step: str) -> None:
    after = bare.steps[step]
    assert {after.packages[name] for name in OURS} == {"installed"}
    assert after.audit == ""


def test_without_dev_the_module_is_built_or_apt_says_that_it_is_not(bare: Bare) -> None:
    # dkms before 3.2 does nothing without /dev/fd.
    after = bare.steps["in a container without /dev"]
    told = "WARNING: dkms could not build the module tracer" in after.said
    assert told is (bare.suite in {"bullseye", "bookworm"})
    assert list(after.modules) == ([] if told else [bare.kernel])


@pytest.mark.parametrize("step", ["in a container without /dev", "in a chroot"])
def test_no_module_is_loaded_into_the_kernel_of_another_system(bare: Bare, step: str) -> None:
    assert bare.calls[step] == ""


def test_the_module_is_loaded_on_a_system_of_its_own(bare: Bare) -> None:
    assert bare.calls["on a system"].split()[-1] == "tracer"


def test_without_openssl_the_module_is_built_and_not_signed(bare: Bare) -> None:
    assert list(bare.steps["without openssl"].modules) == [bare.kernel]
    assert bare.signer == ""
