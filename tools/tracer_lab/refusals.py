"""Why tracer cannot be installed on a system, or uninstalled: found before anything is changed."""

from __future__ import annotations

import os
import re

from tracer_lab.errors import LabError
from tracer_lab.target import Target
from tracer_tools.check.distribution import identify
from tracer_tools.check.engine import Status
from tracer_tools.check.kernel import has_headers, release_supported
from tracer_tools.errors import FormatError

PACKAGE = "tracer-dkms"
GONE = {"", "not-installed", "config-files"}
ARCHITECTURES = re.compile(r'^BUILD_EXCLUSIVE_ARCH="(.*)"$', re.MULTILINE)


def refuse_without_root(target: Target, doing: str) -> None:
    """Raise LabError unless this is root."""
    if target.user().uid != 0:
        raise LabError(f"{doing} on this system needs root", f"sudo ./bootstrap {doing}")


def refuse_beside_package(target: Target) -> None:
    """Raise LabError where the package tracer-dkms is installed: the module has one owner."""
    ran = target.run("dpkg-query", "--show", "--showformat=${db:Status-Status}", PACKAGE)
    if ran is not None and ran.output.strip() not in GONE:
        message = f"the package {PACKAGE} is installed, and the module belongs to it"
        raise LabError(message, f"sudo apt purge {PACKAGE}")


def refuse_without_dkms(target: Target) -> None:
    """Raise LabError, with this distribution's command, where dkms is not installed."""
    if not target.has("dkms"):
        hint = identify(target).install_dkms()
        raise LabError("dkms is not installed", hint or "install it, then run this again")


def refuse_without_group_maker(target: Target) -> None:
    """Raise LabError where nothing can make the group."""
    if not target.has("systemd-sysusers") and not target.has("groupadd"):
        raise LabError("neither systemd-sysusers nor groupadd is installed, to make the group")


def refuse_kernel(target: Target, dkms_conf: str) -> None:
    """Raise LabError for a kernel that is not there, that dkms excludes, or without headers."""
    release = target.release()
    if release not in target.kernels():
        there = ", ".join(target.kernels())
        others = f"name one that is with --kernel: {there}" if there else "install a kernel"
        raise LabError(f"there is no kernel {release} in /lib/modules", others)
    try:
        finding = release_supported(target)
    except FormatError as error:
        raise LabError(error.message, error.hint) from error
    if finding.status is not Status.PASS:
        hint = "name another kernel that is installed, if there is one, with --kernel"
        raise LabError(finding.fact.rstrip("."), hint)
    architectures, machine = ARCHITECTURES.search(dkms_conf), os.uname().machine
    if architectures is not None and not re.search(architectures[1], machine):
        raise LabError(f"tracer is not made for this architecture, {machine}")
    if not has_headers(target):
        hint = identify(target).install_headers(release, target)
        message = f"the headers of Linux {release} are not installed"
        raise LabError(message, hint or "install them, then run this again")


def refuse_while_open(target: Target) -> None:
    """Raise LabError while a program has the device open."""
    if target.module_loaded() and target.is_held_open():
        message = "a program has /dev/tracer open, so the module cannot be unloaded"
        raise LabError(message, "end the program; sudo fuser -v /dev/tracer names it")
