"""A module that dkms built without signing it, and the command that tracer-check has for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.aftermath import module_field, sandbox
from tracer_lab.commands import as_root, in_root, run
from tracer_tools.check.signing import certificates, has_signed, sign_again
from tracer_tools.system import Ran, System

pytestmark = [pytest.mark.vm, pytest.mark.package]

# Of each dkms there is: 2.8, which signs only if it is told how; 3.0; 3.2, which compresses
# modules after it has signed them.
SUITES = ("bullseye", "bookworm", "trixie")
SIGNER = "DKMS module signing key"
# A user who is asked whether to go on says yes.
YES = 'APT::Get::Assume-Yes "true";\n'


class Inside(System):
    """The machine that a root file system would be with its kernel booted."""

    def __init__(self, root: Path, kernel: str) -> None:
        super().__init__(root)
        self._kernel = kernel

    def release(self) -> str:
        return self._kernel

    def run(self, *command: str) -> Ran | None:
        return super().run(*in_root(self._root, command))


@dataclass(frozen=True)
class Signed:
    """What the command did on a machine of a suite."""

    before: str  # the signer of the module
    after: str
    fitting: list[str]  # the certificates that tracer-check takes for those of the module's key
    dkms: str  # the state in which it is with the module


@pytest.fixture(scope="module", params=SUITES)
def signed(request: pytest.FixtureRequest, debs: list[Path]) -> Iterator[Signed]:
    """A machine on which there was no openssl when the packages came, mended by the command."""
    with sandbox(request.param, "signing-again") as box:
        (kernel,) = box.kernels
        run(in_root(box.root, ["apt-get", "update"]), log=box.log)
        box.apt("sudo", "install", "sudo")
        box.apt("without openssl", "purge", "openssl")
        box.apt("packages", "install", debs=debs)
        before = module_field(box.root, kernel, "signer")
        run(as_root(["tee", str(box.root / "etc/apt/apt.conf.d/yes")]), stdin=YES)
        machine = Inside(box.root, kernel)
        run(in_root(box.root, ["sh", "-c", sign_again(machine)]), log=box.log)
        there = [name for name in certificates(machine) if machine.path(name).exists()]
        yield Signed(
            before,
            module_field(box.root, kernel, "signer"),
            [name for name in there if has_signed(name, machine)],
            run(in_root(box.root, ["dkms", "status", "tracer"])).strip(),
        )


def test_without_openssl_the_module_is_not_signed(signed: Signed) -> None:
    assert signed.before == ""


def test_the_command_has_dkms_sign_the_module(signed: Signed) -> None:
    assert signed.after == SIGNER
    assert signed.dkms.endswith(": installed")


def test_the_certificate_to_enrol_is_found(signed: Signed) -> None:
    assert len(signed.fitting) == 1
