"""``invoke install --root``: the files of the module, laid out for somebody to package them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from tracer_lab.layout import layout, module_version
from tracer_lab.packages import Packages
from tracer_lab.tree import copy_tree_files
from tracer_lab.variants import set_version

TREE = Path(__file__).resolve().parents[3]


def invoke(*arguments: str, tree: Path = TREE, umask: int = 0o022) -> str:
    """Run a task, which has to succeed, with nothing of Debian, git or the lab on the PATH."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=tree,
        env={"PATH": "/nonexistent"},
        umask=umask,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The mode and the content of each file, by its name in the folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def unpacked(name: str, mode: int, content: bytes) -> tuple[str, tuple[int, bytes]]:
    """A file of the package without debhelper's compression of manual pages."""
    if not name.startswith("usr/share/man/"):
        return name, (mode, content)
    return name.removesuffix(".gz"), (mode, gzip.decompress(content))


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    folder = tmp_path / "staged"
    invoke("install", f"--root={folder}")
    return folder


@pytest.mark.package
def test_the_files_are_those_of_the_package(
    packages: Packages, staged: Path, tmp_path: Path
) -> None:
    (deb,) = (deb for deb in packages.debs if deb.name.startswith("tracer-dkms_"))
    package = tmp_path / "package"
    subprocess.run(["dpkg-deb", "--extract", deb, package], check=True)
    ours = ("usr/share/doc/", "usr/share/lintian/")
    there = {name: file for name, file in files(package).items() if not name.startswith(ours)}
    expected = dict(unpacked(name, *file) for name, file in there.items())
    assert files(staged) == expected


def test_staging_twice_is_staging_once(staged: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in staged.rglob("*")}
    assert "nothing to do" in invoke("install", f"--root={staged}")
    assert {path: path.stat().st_mtime_ns for path in staged.rglob("*")} == before


def test_what_is_half_done_or_altered_is_made_right(staged: Path) -> None:
    expected = files(staged)
    source = staged / "usr/src" / f"tracer-{module_version(TREE)}"
    (source / "main.c").unlink()
    (source / "left.o").write_text("")
    (source / "dkms.conf").write_text("")
    (staged / "usr/include/tracer.h").chmod(0o600)
    invoke("install", f"--root={staged}")
    assert files(staged) == expected


def test_another_version_takes_the_place_of_the_one_before(staged: Path, tmp_path: Path) -> None:
    copy_tree_files(TREE, tmp_path / "tree")
    set_version(tmp_path / "tree", "1000.0.0~rc1-2")
    foreign = staged / "usr/src/tracer-of-others/dkms.conf"
    foreign.parent.mkdir()
    foreign.write_text('PACKAGE_NAME="tracer-of"\n')
    invoke("install", f"--root={staged}", tree=tmp_path / "tree")
    there = {path.name for path in (staged / "usr/src").iterdir()}
    assert there == {"tracer-1000.0.0~rc1", "tracer-of-others"}


def test_the_umask_does_not_matter(staged: Path, tmp_path: Path) -> None:
    strict = tmp_path / "strict"
    invoke("install", f"--root={strict}", umask=0o077)
    assert files(strict) == files(staged)
    assert {path.stat().st_mode & 0o777 for path in strict.rglob("*") if path.is_dir()} == {0o755}


def test_a_dry_run_names_each_file_and_makes_none(tmp_path: Path) -> None:
    folder = tmp_path / "staged"
    lines = invoke("install", f"--root={folder}", "--dry-run").splitlines()
    written = {line.split(" write ")[1] for line in lines if " write " in line}
    assert written == {f"{folder}{name}" for name in layout(TREE)}
    assert not folder.exists()


def test_uninstalling_leaves_what_belongs_to_others(staged: Path) -> None:
    kept = staged / "usr/include/other.h"
    kept.write_text("")
    assert (staged / "usr/share/man/man4").is_dir()
    assert "nothing to do" not in invoke("uninstall", f"--root={staged}")
    assert set(files(staged)) == {"usr/include/other.h"}
    assert list((staged / "usr/share/man").iterdir()) == []
    assert "nothing to do" in invoke("uninstall", f"--root={staged}")


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (
            ["--root={file}"],
            1,
            "error: {file} is not a folder\n  name one with --root, new or not\n",
        ),
        (
            ["--root={file}", "--kernel=6.1"],
            2,
            "error: --kernel is for dkms, which --root leaves out\n",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, options: list[str], status: int, said: str
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    given = [option.format(file=file) for option in options]
    command = [sys.executable, "-m", "invoke", "install", *given]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, said.format(file=file))


@pytest.mark.parametrize(
    ("debian", "version"),
    [("1.0.0", "1.0.0"), ("1.0.0-1", "1.0.0"), ("2.0~rc1-0.1~bpo12+1", "2.0~rc1")],
)
def test_the_version_is_that_of_the_changelog_without_the_revision(
    tmp_path: Path, debian: str, version: str
) -> None:
    changelog = tmp_path / "debian/changelog"
    changelog.parent.mkdir()
    changelog.write_text(f"tracer ({debian}) unstable; urgency=medium\n")
    assert module_version(tmp_path) == version
