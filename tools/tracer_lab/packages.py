"""The packages in dist/: .deb files, wheel and sdist of tracer-tools, dkms tarball."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cache import key_of, locked
from tracer_lab.commands import run
from tracer_lab.errors import LabError
from tracer_lab.roots import log_of
from tracer_lab.tree import copy_tree_files, tree_files

# Debian's own python3 builds Debian's packages, whatever else a user has on the PATH.
DEBIAN = (
    *("env", "--unset=PYTHONPATH", "--unset=PYTHONHOME", "--unset=VIRTUAL_ENV"),
    *("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"),
)
RECORD = ".made-from"  # in dist: the key of the tree that the packages are of, then their names


@dataclass(frozen=True)
class Packages:
    """Everything that one build of the packages made."""

    files: tuple[Path, ...]

    @property
    def debs(self) -> tuple[Path, ...]:
        """tracer-dkms and tracer-tools, as apt installs them on every suite."""
        return self._all("tracer-*.deb")

    @property
    def exporter(self) -> Path:
        """prometheus-tracer-exporter, from bookworm on."""
        return self._one("prometheus-tracer-exporter_*.deb")

    @property
    def changes(self) -> Path:
        """What lintian and uploads start from."""
        return self._one("*.changes")

    @property
    def wheel(self) -> Path:
        """tracer-tools, as pip installs it."""
        return self._one("*.whl")

    @property
    def sdist(self) -> Path:
        """The source of tracer-tools, buildable on its own."""
        return self._one("tracer_tools-*.tar.gz")

    @property
    def dkms_tarball(self) -> Path:
        """The module's source, as ``dkms ldtarball`` reads it."""
        return self._one("tracer-dkms-*.tar.gz")

    def _all(self, pattern: str) -> tuple[Path, ...]:
        return tuple(sorted(file for file in self.files if file.match(pattern)))

    def _one(self, pattern: str) -> Path:
        (file,) = self._all(pattern)
        return file


def build_packages(tree: Path, dist: Path) -> Packages:
    """Return the packages of the tree, as it stands, in ``dist``; made if they are not there.

    The tree's uncommitted and new files count, ignored ones do not. Takes seconds; nothing
    if nothing has changed. Raises LabError if a build dependency is missing or a build fails,
    and then leaves ``dist`` as it was.
    """
    names = tree_files(tree)
    key = key_of(*names, sys.version, files=[tree / name for name in names])
    dist.mkdir(parents=True, exist_ok=True)
    with locked("packages"):
        made = _recorded(dist)
        if made[:1] == [key] and all((dist / name).exists() for name in made[1:]):
            return Packages(tuple(dist / name for name in made[1:]))
        with _umask(0o022), tempfile.TemporaryDirectory(prefix=".building-", dir=dist) as folder:
            return _publish(_build(tree, Path(folder)), key, dist)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    """Give new files the same mode whoever builds: some of the archives record it."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _recorded(dist: Path) -> list[str]:
    record = dist / RECORD
    return record.read_text(encoding="utf-8").splitlines() if record.exists() else []


def _publish(files: Sequence[Path], key: str, dist: Path) -> Packages:
    """Rename the files into ``dist``, in place of those of the build before."""
    record = dist / RECORD
    outdated = set(_recorded(dist)[1:]) - {file.name for file in files}
    record.unlink(missing_ok=True)
    published = tuple(file.replace(dist / file.name) for file in files)
    for name in outdated:
        (dist / name).unlink(missing_ok=True)
    record.write_text("\n".join([key, *(file.name for file in published)]) + "\n", "utf-8")
    return Packages(published)


def _build(tree: Path, folder: Path) -> list[Path]:
    """Make everything in ``folder``; its sub-folders are left over."""
    copy = folder / "tracer"
    copy_tree_files(tree, copy)
    _check_build_dependencies(copy)
    version, epoch = (
        run([*DEBIAN, "dpkg-parsechangelog", f"--show-field={field}"], cwd=copy).strip()
        for field in ("Version", "Timestamp")
    )
    log = log_of("packages")
    reproducible = [*DEBIAN, f"SOURCE_DATE_EPOCH={epoch}"]
    debian = ["dpkg-buildpackage", "--unsigned-source", "--unsigned-changes", "--post-clean"]
    run([*reproducible, *debian], cwd=copy, log=log)
    python = [sys.executable, "-m", "build", "--no-isolation", "--outdir=.."]
    run([*reproducible, *python], cwd=copy, log=log)
    _pack_sdist_again(folder, epoch)
    _pack_module(folder, version, epoch)
    return sorted(path for path in folder.iterdir() if path.is_file())


def _check_build_dependencies(copy: Path) -> None:
    try:
        run([*DEBIAN, "dpkg-checkbuilddeps"], cwd=copy)
    except LabError as error:
        _, found, unmet = error.message.partition("Unmet build dependencies: ")
        if not found:
            raise
        unmet = unmet.splitlines()[0].strip()
        message = f"the packages cannot be built without these Debian packages: {unmet}"
        raise LabError(message, "sudo apt build-dep ./") from error


def _pack_sdist_again(folder: Path, epoch: str) -> None:
    """Give the sdist the times of the changelog; setuptools gives it those of the build."""
    (sdist,) = folder.glob("tracer_tools-*.tar.gz")
    unpacked = folder / "sdist"
    unpacked.mkdir()
    run(["tar", "--extract", f"--file={sdist}", f"--directory={unpacked}"])
    _pack(unpacked, sdist, epoch)


def _pack_module(folder: Path, version: str, epoch: str) -> None:
    """Pack what tracer-dkms installs in /usr/src the way that ``dkms mktarball`` does."""
    (deb,) = folder.glob("tracer-dkms_*.deb")
    installed = folder / "installed"
    run(["dpkg-deb", "--extract", str(deb), str(installed)])
    content = folder / "tarball"
    for_binaries = content / "dkms_main_tree"
    for_binaries.mkdir(parents=True)
    (for_binaries / "dkms_dbversion").write_text("2.0.0\n")  # dkms of bullseye insists on it
    (installed / "usr" / "src" / f"tracer-{version}").rename(content / "dkms_source_tree")
    _pack(content, folder / f"tracer-dkms-{version}.tar.gz", epoch)


def _pack(content: Path, archive: Path, epoch: str) -> None:
    """Write an archive that depends on nothing but what is in the folder ``content``."""
    owner = ["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]
    order = ["--sort=name", f"--mtime=@{epoch}", "--format=gnu"]
    names = sorted(path.name for path in content.iterdir())
    what = [f"--directory={content}", *names]
    compress = "--use-compress-program=gzip --no-name --best"
    run(["tar", "--create", f"--file={archive}", compress, *owner, *order, *what])
