from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tracer_tools.check import kernel
from tracer_tools.check.checks import CHECKS
from tracer_tools.check.engine import Status, Verdict, examine, verdict
from tracer_tools.errors import FormatError
from tracer_tools.kernels import kernel_series, parse_bounds, supported_kernels

if TYPE_CHECKING:
    from tests.unit.tools.conftest import Machine

TREE = Path(__file__).resolve().parents[3]
RELEASE = "6.1.0-50-amd64"
PROBES = "function symbol armed missed by\n" + "".join(
    f"{name} {name} no 0 kretprobe\n" for name in kernel.SYMBOLS
)


def test_a_newer_kernel_is_not_yet_supported(machine: Machine) -> None:
    machine.kernel = "99.1.0-amd64"
    finding = kernel.release_supported(machine)
    oldest, newest = supported_kernels().oldest, supported_kernels().newest
    assert finding.fact.startswith("Linux 99.1.0-amd64 is not yet supported (")
    assert f"tracer supports {oldest} to {newest}" in finding.fact
    assert finding.command.endswith("apt install --only-upgrade tracer-dkms tracer-tools")


def test_an_older_kernel_is_too_old(machine: Machine) -> None:
    machine.kernel = "4.19.0-27-amd64"
    machine.answer("apt-cache show linux-image-amd64", "Package: linux-image-amd64\n")
    finding = kernel.release_supported(machine)
    oldest, newest = supported_kernels().oldest, supported_kernels().newest
    assert finding.fact == (
        f"Linux 4.19.0-27-amd64 is too old: tracer supports {oldest} to {newest}."
    )
    assert "apt install linux-image-amd64 linux-headers-amd64" in finding.command


@pytest.mark.parametrize("release", ["4.19.0-27-amd64", "99.1.0-amd64"])
def test_a_module_that_is_loaded_outside_the_bounds_is_a_warning(
    machine: Machine, release: str
) -> None:
    machine.kernel = release
    machine.load_module()
    assert kernel.release_supported(machine).status is Status.WARN


def test_outside_the_bounds_nothing_else_is_said_to_be_missing(machine: Machine) -> None:
    machine.kernel = "99.1.0-amd64"
    machine.write("/proc/kallsyms", kallsyms("__kmalloc", *kernel.SYMBOLS))
    machine.answer("dkms status -m tracer", "tracer/1.0.0, 6.1.0-50-amd64, x86_64: installed\n")
    results = list(examine(CHECKS, machine))
    assert [result.check.id for result in results if result.status is Status.FAIL] == [
        "kernel-release"
    ]
    assert verdict(results, strict=False) is Verdict.NOT_USABLE


def test_the_bounds_of_this_tree_can_be_read() -> None:
    assert supported_kernels().oldest <= supported_kernels().newest


@pytest.mark.parametrize(
    "text",
    [
        "OLDEST_KERNEL=5.10\n",
        "OLDEST_KERNEL=5\nNEWEST_KERNEL=7.3\n",
        "OLDEST_KERNEL=5.10\nNEWEST_KERNEL=7.3 # more\n",
        "OLDEST_KERNEL=7.10\nNEWEST_KERNEL=7.9\n",
    ],
)
def test_broken_bounds_are_an_error(text: str) -> None:
    with pytest.raises(FormatError):
        parse_bounds(text, "supported-kernels")


def test_a_release_without_a_series_is_an_error() -> None:
    with pytest.raises(FormatError, match="'linux' is no kernel release"):
        kernel_series("linux")


@pytest.mark.parametrize(
    ("os_release", "release", "command"),
    [
        ("ID=debian", RELEASE, f"apt install linux-headers-{RELEASE}"),
        ("ID=debian", "6.1.0-50-cloud-amd64", "apt install linux-headers-6.1.0-50-cloud-amd64"),
        ("ID=ubuntu", "6.8.0-31-generic", "apt install linux-headers-6.8.0-31-generic"),
        ('ID=mint\nID_LIKE="ubuntu debian"', "6.8.0-3-x", "apt install linux-headers-6.8.0-3-x"),
        ("ID=fedora", "6.8.9-3.fc40", 'dnf install "kernel-devel-uname-r == 6.8.9-3.fc40"'),
        ("ID=arch", "6.9.1-arch1-1", "pacman -S linux-headers"),
        ("ID=opensuse-tumbleweed", "6.9.1-1-default", "zypper install kernel-default-devel"),
        ('ID="opensuse-leap"', "6.4.0-150600.23.25-rt", "zypper install kernel-rt-devel"),
    ],
)
def test_missing_headers_name_the_command_of_the_distribution(
    machine: Machine, os_release: str, release: str, command: str
) -> None:
    machine.write("/etc/os-release", os_release + "\n")
    machine.kernel = release
    finding = kernel.headers_installed(machine)
    assert (finding.status, finding.command) == (Status.FAIL, f"sudo {command}")


def test_an_unknown_distribution_gets_no_wrong_command(machine: Machine) -> None:
    machine.write("/etc/os-release", "ID=plan9\n")
    finding = kernel.headers_installed(machine)
    assert (finding.status, finding.command) == (Status.FAIL, "")


def test_arch_linux_names_the_headers_of_its_own_kernel(machine: Machine) -> None:
    machine.write("/etc/os-release", "ID=arch\n")
    machine.write(f"/usr/lib/modules/{RELEASE}/pkgbase", "linux-lts\n")
    assert kernel.headers_installed(machine).command == "sudo pacman -S linux-lts-headers"


def test_headers_that_the_archive_no_longer_has_mean_a_newer_kernel(machine: Machine) -> None:
    machine.kernel = "6.1.0-9-cloud-amd64"
    machine.answer("apt-cache show linux-headers-6.1.0-9-cloud-amd64", status=100)
    machine.answer("apt-cache show linux-image-cloud-amd64", "Package: linux-image-cloud-amd64\n")
    assert kernel.headers_installed(machine).command == (
        "sudo apt update && sudo apt install linux-image-cloud-amd64 linux-headers-cloud-amd64"
        " && sudo reboot"
    )


def test_missing_headers_do_not_matter_to_a_loaded_module(machine: Machine) -> None:
    machine.load_module()
    assert kernel.headers_installed(machine).status is Status.WARN


def test_headers_that_are_there_pass(machine: Machine) -> None:
    machine.write(f"/lib/modules/{RELEASE}/build/Makefile", "")
    assert kernel.headers_installed(machine).status is Status.PASS


def test_the_symbols_looked_for_are_ones_that_the_module_probes() -> None:
    source = (TREE / "src" / "tracer" / "symbol.c").read_text(encoding="utf-8")
    for symbols in kernel.SYMBOLS.values():
        for symbol in symbols:
            assert f'"{symbol}"' in source


def kallsyms(*names: str) -> str:
    return "".join(f"0000000000000000 T {name}\n" for name in names)


@pytest.mark.parametrize("suffix", ["", "_noprof"])
def test_symbols_are_found_where_addresses_are_hidden(machine: Machine, suffix: str) -> None:
    others = [name for name in kernel.SYMBOLS if name != "kmalloc"]
    machine.write("/proc/kallsyms", kallsyms(f"__kmalloc{suffix}", *others))
    assert kernel.symbols_found(machine).status is Status.PASS


def test_a_symbol_of_a_module_is_not_the_kernels(machine: Machine) -> None:
    names = [name for name in kernel.SYMBOLS if name not in {"kmalloc", "up"}]
    text = kallsyms("__kmalloc", *names) + "0000000000000000 t up\t[drm]\n"
    machine.write("/proc/kallsyms", text)
    finding = kernel.symbols_found(machine)
    assert finding.status is Status.FAIL
    assert "no symbol for up," in finding.fact


def test_the_modules_own_list_of_probes_is_preferred(machine: Machine) -> None:
    machine.write(
        "/sys/kernel/debug/tracer/probes", PROBES.replace("kfree kfree no 0 kretprobe\n", "")
    )
    finding = kernel.symbols_found(machine)
    assert (finding.status, finding.fact) == (Status.FAIL, "The module has no probe on kfree.")


def test_a_list_of_probes_that_is_not_understood_is_named() -> None:
    with pytest.raises(FormatError, match="line 2: no probe"):
        kernel.parse_probes("function symbol armed missed by\nkfree kfree no 0\n")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (kernel.FTRACE_ENABLED, f"echo 1 | sudo tee {kernel.FTRACE_ENABLED}"),
        (kernel.KPROBES_ENABLED, f"echo 1 | sudo tee {kernel.KPROBES_ENABLED}"),
    ],
)
def test_probes_that_were_switched_off_are_switched_on(
    machine: Machine, name: str, command: str
) -> None:
    assert kernel.probing_on(machine).status is Status.PASS
    machine.write(name, "1\n")
    assert kernel.probing_on(machine).status is Status.PASS
    machine.write(name, "0\n")
    assert kernel.probing_on(machine).command == command
