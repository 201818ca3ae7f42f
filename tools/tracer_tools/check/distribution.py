"""How this distribution names what tracer needs, and the commands that install it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import distro

from tracer_tools.system import System

OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
# The id in os-release, or one that it calls itself like; Ubuntu also says it is like Debian.
FAMILIES = {
    "ubuntu": "ubuntu",
    "debian": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "centos": "fedora",
    "arch": "arch",
    "opensuse": "opensuse",
    "opensuse-leap": "opensuse",
    "opensuse-tumbleweed": "opensuse",
    "suse": "opensuse",
    "sles": "opensuse",
}
# What remains of a release without its numbers: cloud-amd64, rt-arm64, generic …
FLAVOUR = re.compile(r"-([a-z][a-z0-9-]*)$")


@dataclass(frozen=True)
class Distribution:
    """A family of distributions; the empty one is none that tracer knows."""

    family: str

    @property
    def has_apt(self) -> bool:
        """Whether packages are installed with apt."""
        return self.family in {"debian", "ubuntu"}

    def join_group(self, user: str, group: str) -> str:
        """Return the command that makes `user` a member of `group`."""
        if self.has_apt:
            return f"sudo adduser {user} {group}"
        return f"sudo usermod -aG {group} {user}"

    def install(self, *packages: str) -> str:
        """Return the command that installs packages, empty if it is unknown."""
        installer = {
            "debian": "apt install",
            "ubuntu": "apt install",
            "fedora": "dnf install",
            "arch": "pacman -S",
            "opensuse": "zypper install",
        }.get(self.family)
        return f"sudo {installer} {' '.join(packages)}" if installer else ""

    def install_dkms(self) -> str:
        """Return the command that installs dkms, empty if it is unknown."""
        return self.install("dkms")

    def install_headers(self, release: str, system: System) -> str:
        """Return the command that installs the headers of a kernel, empty if it is unknown."""
        if self.has_apt:
            return self._apt_headers(release, system)
        if self.family == "fedora":
            return f'sudo dnf install "kernel-devel-uname-r == {release}"'
        if self.family == "arch":
            return f"sudo pacman -S {arch_kernel(release, system)}-headers"
        if self.family == "opensuse":
            return f"sudo zypper install kernel-{release.rpartition('-')[2]}-devel"
        return ""

    def _apt_headers(self, release: str, system: System) -> str:
        exact = f"linux-headers-{release}"
        newest = self._apt_newest(release, system)
        if not newest or in_archive(exact, system):
            return f"sudo apt install {exact}"
        # The archive keeps only the newest kernel: its headers come with it, and a reboot.
        return f"sudo apt update && sudo apt install {newest} && sudo reboot"

    def _apt_newest(self, release: str, system: System) -> str:
        """Return the packages that stand for the newest kernel of a flavour and its headers."""
        flavour = FLAVOUR.search(release)
        if flavour is None or not in_archive(f"linux-image-{flavour[1]}", system):
            return ""
        return f"linux-image-{flavour[1]} linux-headers-{flavour[1]}"

    def newer_kernel(self, release: str, system: System) -> str:
        """Return the command that installs the distribution's newest kernel, empty if unknown."""
        newest = self._apt_newest(release, system) if self.has_apt else ""
        if newest:
            return f"sudo apt update && sudo apt install {newest} && sudo reboot"
        return {
            "fedora": "sudo dnf upgrade kernel && sudo reboot",
            "arch": "sudo pacman -Syu && sudo reboot",
            "opensuse": "sudo zypper update kernel-default && sudo reboot",
        }.get(self.family, "")

    def newer_tracer(self) -> str:
        """Return the command that brings a newer tracer, empty if unknown."""
        if self.has_apt:
            # The bounds that tracer-check knows come with tracer-tools.
            return "sudo apt update && sudo apt install --only-upgrade tracer-dkms tracer-tools"
        return ""


def identify(system: System) -> Distribution:
    """Return this machine's distribution."""
    for name in OS_RELEASE:
        file = system.path(name)
        if file.exists():
            facts = distro.LinuxDistribution(
                include_lsb=False, os_release_file=str(file), distro_release_file="/dev/null"
            )
            for word in (facts.id(), *facts.like().split()):
                if word in FAMILIES:
                    return Distribution(FAMILIES[word])
    return Distribution("")


def in_archive(package: str, system: System) -> bool:
    """Return whether apt knows a package."""
    ran = system.run("apt-cache", "show", package)
    return ran is not None and ran.status == 0


def arch_kernel(release: str, system: System) -> str:
    """Return the package that an Arch Linux kernel came from, such as linux-lts."""
    try:
        return system.read(f"/usr/lib/modules/{release}/pkgbase").strip() or "linux"
    except OSError:
        return "linux"
