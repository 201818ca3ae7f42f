"""One version everywhere: the changelog's, in the form that each reader of it knows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracer_lab.cells import Cell
from tracer_lab.commands import in_root, run
from tracer_lab.packages import Packages, build_packages
from tracer_lab.roots import ensure_base, install, kernel_release, log_of, throw_away_copy
from tracer_lab.variants import TREE, packages_of_variant, set_version

pytestmark = [pytest.mark.vm, pytest.mark.package]

# A version with everything that Debian's have and Python's write in another way.
VARIANT = ("9.8~rc7~bpo12+1", "9.8rc7+bpo12.1")


@dataclass(frozen=True)
class Release:
    """The packages of a version, and a root file system in which apt has installed them."""

    debian: str
    python: str
    packages: Packages
    root: Path

    def said_by(self, *command: str) -> str:
        return run(in_root(self.root, command)).strip()


@pytest.fixture(scope="module", params=["this tree", "variant"])
def release(
    request: pytest.FixtureRequest, cell: Cell, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    if request.param == "variant":
        debian, python = VARIANT
        folder = tmp_path_factory.mktemp("variant")
        packages = packages_of_variant(folder, lambda tree: set_version(tree, debian))
    else:
        packages = build_packages(TREE, TREE / "dist")
        debian = run(["dpkg-parsechangelog", "--show-field=Version"], cwd=TREE).strip()
        python = run([sys.executable, "setup.py", "--version"], cwd=TREE).split()[-1]
    name = f"versions-{cell.name}"
    with throw_away_copy(ensure_base(cell), name) as root:
        install(root, packages.debs, log_of(name))
        yield Release(debian, python, packages, root)


def test_apt_has_it(release: Release) -> None:
    shown = release.said_by("dpkg-query", "-Wf", "${Version}\\n", "tracer-dkms", "tracer-tools")
    assert shown.split() == [release.debian] * 2


def test_dkms_has_it(release: Release) -> None:
    kernel = kernel_release(release.root)
    status = release.said_by("dkms", "status", "tracer")
    assert status == f"tracer/{release.debian}, {kernel}, x86_64: installed"


def test_the_module_has_it(release: Release) -> None:
    kernel = kernel_release(release.root)
    assert release.said_by("modinfo", "-k", kernel, "-F", "version", "tracer") == release.debian


@pytest.mark.parametrize("command", ["tracer-check", "tracerctl"])
def test_a_command_has_it_in_the_form_of_python(release: Release, command: str) -> None:
    assert release.said_by(command, "--version") == f"{command} {release.python}"


def test_the_wheel_and_the_sdist_have_it_in_the_form_of_python(release: Release) -> None:
    assert release.packages.wheel.name.split("-")[1] == release.python
    assert release.packages.sdist.name == f"tracer_tools-{release.python}.tar.gz"


def test_the_dkms_tarball_has_it(release: Release) -> None:
    assert release.packages.dkms_tarball.name == f"tracer-dkms-{release.debian}.tar.gz"
