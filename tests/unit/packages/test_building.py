from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tracer_lab.errors import LabError
from tracer_lab.packages import build_packages

pytestmark = pytest.mark.package
CONTROL = """\
Source: tracer
Maintainer: A B <a@example.org>
Build-Depends: debhelper-compat (= 13), {more}

Package: tracer
Architecture: all
Description: nothing
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree under git that has a debian/control and no more."""
    folder = tmp_path / "tree"
    (folder / "debian").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def test_a_missing_build_dependency_is_named_with_the_command_that_installs_it(
    tree: Path, tmp_path: Path
) -> None:
    (tree / "debian/control").write_text(CONTROL.format(more="no-such-package (>= 3)"))
    with pytest.raises(LabError) as caught:
        build_packages(tree, tmp_path / "dist")
    assert caught.value.message.endswith("Debian packages: no-such-package (>= 3)")
    assert caught.value.hint == "sudo apt build-dep ./"


def test_a_build_that_fails_leaves_the_packages_of_before(tree: Path, tmp_path: Path) -> None:
    (tree / "debian/control").write_text(CONTROL.format(more="base-files"))
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "tracer-dkms_0.9_all.deb").write_text("kept")
    with pytest.raises(LabError):
        build_packages(tree, dist)
    assert [path.name for path in dist.iterdir()] == ["tracer-dkms_0.9_all.deb"]
