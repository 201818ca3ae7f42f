from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path

import pytest

from tracer_lab.packages import Packages
from tracer_tools.kernels import supported_kernels

pytestmark = pytest.mark.package
TREE = Path(__file__).resolve().parents[3]
COMMANDS = ("tracer-check", "tracerctl", "prometheus-tracer-exporter")


def output(command: Sequence[str], cwd: Path = TREE, **environment: str) -> str:
    """Give what the command prints; it has to succeed."""
    given = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd, env=given)
    return done.stdout


@pytest.fixture(scope="module")
def version() -> str:
    return output(["dpkg-parsechangelog", "--show-field=Version"]).strip()


def python_version(version: str) -> str:
    return version.replace("~", "")


def test_the_debs_have_the_version_of_the_changelog(packages: Packages, version: str) -> None:
    found = {
        output(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", str(deb)])
        for deb in (*packages.debs, packages.exporter)
    }
    names = ("prometheus-tracer-exporter", "tracer-dkms", "tracer-tools")
    assert found == {f"{name} {version}" for name in names}


def test_the_wheel_and_the_sdist_have_it(packages: Packages, version: str) -> None:
    expected = python_version(version)
    with zipfile.ZipFile(packages.wheel) as wheel:
        metadata = wheel.read(f"tracer_tools-{expected}.dist-info/METADATA").decode()
    with tarfile.open(packages.sdist) as sdist:
        info = sdist.extractfile(f"tracer_tools-{expected}/PKG-INFO")
        assert info is not None
        source_metadata = info.read().decode()
    parser = Parser()
    assert parser.parsestr(metadata)["Version"] == expected
    assert parser.parsestr(source_metadata)["Version"] == expected


def test_the_installed_dkms_conf_has_it_and_builds_the_module_with_it(
    installed: Path, version: str
) -> None:
    conf = installed / "usr/src" / f"tracer-{version}" / "dkms.conf"
    script = 'kernel_source_dir=/k dkms_tree=/d; . "$1"; echo "$PACKAGE_VERSION"; echo "${MAKE[0]}"'
    found, make = output(["bash", "-euc", script, "bash", str(conf)]).splitlines()
    assert found == version
    assert f"TRACER_VERSION={version}" in make.split()
    assert f"M=/d/tracer/{version}/build" in make.split()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_installed_commands_say_it(installed: Path, version: str, command: str) -> None:
    library = installed / "usr/lib/python3/dist-packages"
    program = installed / "usr/bin" / command
    said = output([str(program), "--version"], PYTHONPATH=str(library))
    assert said.split() == [command, python_version(version)]


def test_the_installed_dkms_conf_needs_no_other_file(installed: Path, version: str) -> None:
    conf = installed / "usr/src" / f"tracer-{version}" / "dkms.conf"
    assert "#MODULE_VERSION#" not in conf.read_text()
    script = 'kernel_source_dir=/k dkms_tree=/d; . "$1"; [[ $2 =~ $BUILD_EXCLUSIVE_KERNEL ]]'
    bash = ["bash", "-euc", script, "bash", str(conf)]
    statuses = [
        subprocess.run([*bash, release], check=False).returncode
        for release in (f"{supported_kernels().newest}.1-amd64", "1.0.0")
    ]
    assert statuses == [0, 1]


def test_every_source_file_of_the_module_is_installed(installed: Path, version: str) -> None:
    folder = installed / "usr/src" / f"tracer-{version}"
    built = ("*.mod.c",)
    kept = [*(TREE / "src/tracer").glob("*.[ch]"), *(TREE / "src/tracer").glob("[KM]*file*")]
    expected = {path.name for path in kept if not any(path.match(name) for name in built)}
    expected |= {"Kbuild", "dkms.conf", "post-install"}
    assert {path.name for path in folder.iterdir()} == expected


def test_the_header_of_user_programs_compiles_alone(installed: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.c"
    program.write_text(
        "#include <tracer.h>\n"
        '_Static_assert(TRACER_ADD_PROCESS == 0x4004012a, "add");\n'
        '_Static_assert(TRACER_REMOVE_PROCESS == 0x4004012b, "remove");\n'
        '_Static_assert(TRACER_DEV_MINOR == 42, "minor");\n'
        "const char name[] = TRACER_DEV_NAME;\n"
    )
    flags = ["-std=c11", "-Wall", "-Werror", "-fsyntax-only", "-I", str(installed / "usr/include")]
    output(["gcc", *flags, str(program)])


@pytest.mark.parametrize(
    "path",
    [
        *(f"usr/share/man/man1/{command}.1.gz" for command in COMMANDS),
        "usr/share/man/man4/tracer.4.gz",
        *(f"usr/share/bash-completion/completions/{command}" for command in COMMANDS),
        *(f"usr/share/zsh/vendor-completions/_{command}" for command in COMMANDS),
        "usr/lib/python3/dist-packages/tracer_tools/py.typed",
        "usr/lib/python3/dist-packages/tracer_tools/supported-kernels",
        "usr/lib/udev/rules.d/60-tracer.rules",
        "usr/lib/sysusers.d/tracer.conf",
        "usr/lib/modules-load.d/tracer.conf",
        "usr/lib/python3/dist-packages/tracer_exporter/service.py",
        "usr/share/prometheus-tracer-exporter/alerts.yml",
        "usr/share/prometheus-tracer-exporter/dashboard.json",
        "usr/lib/systemd/system/prometheus-tracer-exporter.service",
        "etc/tracer/exporter.conf",
        "etc/tracer/monitor.d/example.toml",
    ],
)
def test_the_packages_hold(installed: Path, path: str) -> None:
    assert (installed / path).stat().st_size > 0 or path.endswith("py.typed")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_manual_page_is_whole(installed: Path, command: str) -> None:
    page = gzip.decompress((installed / f"usr/share/man/man1/{command}.1.gz").read_bytes()).decode()
    assert page.startswith(f".TH {command} ")
    assert "UNSET" not in page
    assert ".SH EXAMPLES" in page


def test_completion_of_one_command_leaves_that_of_the_other_alone(installed: Path) -> None:
    folder = installed / "usr/share/bash-completion/completions"
    script = 'set -e; for file; do . "$file"; done; complete -p "${@##*/}"; declare -F'
    both = output(["bash", "-c", script, "bash", *(str(folder / name) for name in COMMANDS)])
    handlers = [
        words[words.index("-F") + 1] for words in map(str.split, both.splitlines()[: len(COMMANDS)])
    ]
    assert len(set(handlers)) == len(COMMANDS)
    for handler in handlers:
        assert f"declare -f {handler}" in both


def test_the_wheel_holds_the_bounds_of_the_kernels_and_nothing_of_the_lab(
    packages: Packages,
) -> None:
    with zipfile.ZipFile(packages.wheel) as wheel:
        bounds = wheel.read("tracer_tools/supported-kernels")
        assert bounds == (TREE / "dkms/supported-kernels").read_bytes()
        assert not [name for name in wheel.namelist() if "tracer_lab" in name]


def test_the_sdist_builds_on_its_own(packages: Packages, tmp_path: Path) -> None:
    with tarfile.open(packages.sdist) as sdist:
        sdist.extractall(tmp_path)  # noqa: S202 -- we made it
    (source,) = tmp_path.iterdir()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir=made"]
    output(build, cwd=source)
    (wheel,) = (source / "made").iterdir()
    assert wheel.name == packages.wheel.name


def test_the_dkms_tarball_holds_what_the_deb_installs(
    packages: Packages, installed: Path, version: str, tmp_path: Path
) -> None:
    with tarfile.open(packages.dkms_tarball) as tarball:
        tarball.extractall(tmp_path)  # noqa: S202 -- we made it
    folder = installed / "usr/src" / f"tracer-{version}"
    expected = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = {path.name: path.read_bytes() for path in (tmp_path / "dkms_source_tree").iterdir()}
    assert found == expected
