"""The headers of every kernel in a suite's archives: found by asking apt, unpacked in a root."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.cache import key_of, made_once
from tracer_lab.cells import BuildCell
from tracer_lab.commands import as_root, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.roots import log_of, make_root, mmdebstrap, roots_dir

PREFIX = "linux-headers-"
# A package for one kernel has its release in its name, one that follows the newest has not,
# or only the first two numbers of it.
RELEASE = re.compile(r"(?P<series>\d+\.\d+)\.\d+\S*?-(?P<flavour>[a-z]\S*)")
COMMON = re.compile(r"linux-headers-\S+-common(-rt)?")
KBUILD = re.compile(r"linux-kbuild-\S+")
COMPILER = re.compile(r"(?:linux-compiler-)?gcc-(?P<version>\d+)(?:-\S+)?")
CROSS = {"arm64": "aarch64-linux-gnu"}  # the compilers' name for the architecture
NOT_FOUND = re.compile(r"E: Failed to fetch \S+/(?P<package>[^/_]+)_\S+ +404 +Not Found")
GAVE_UP = "E: Unable to fetch some archives"
DOWNLOADS = "var/tmp/headers"
ABSENT = "var/lib/absent-kernels"  # in a root: the kernels that the mirror only lists
DOWNLOAD = f'mkdir /{DOWNLOADS}; cd /{DOWNLOADS}; apt-get --quiet download "$@" || [ $? = 100 ]'
# Headers are unpacked without what they depend on: from 6.12 on that is the kernel's image.
# Most of their files are the same in all versions, whatever their time.
# /lib stays the link that it is, though a package has it as a folder.
UNPACK = f"""for deb in /{DOWNLOADS}/linux-headers-*.deb; do
	dpkg --fsys-tarfile "$deb" | tar --extract --directory=/ --keep-directory-symlink
done"""
CLEAN = f"rm -r /{DOWNLOADS} /var/lib/apt/lists/*; apt-get clean"
LINK = ("hardlink", "--quiet", "--ignore-time")


@dataclass(frozen=True)
class Needs:
    """What the headers of one kernel need beside themselves, except for its image."""

    common: str  # the package with the headers that flavours share
    kbuild: str
    compiler: str  # a version of gcc, such as 12

    def met_without(self, absent: Iterable[str]) -> bool:
        """Whether none of the packages that are not to be had is among them."""
        return not {self.common, self.kbuild} & set(absent)


def headers_path(cell: BuildCell) -> Path:
    """Where the root of that cell is, or would be: another recipe has another path."""
    command = mmdebstrap(cell.suite, _options(cell))
    recipe = key_of(*command, *cell.archives, cell.suite.security, DOWNLOAD, UNPACK, *LINK)
    return roots_dir() / f"{cell.name}-{recipe}"


def ensure_headers(cell: BuildCell) -> Path:
    """A root file system with the headers of all kernels of that cell, and their compilers.

    They are those that the archives had when it was made. Takes a few minutes the first time,
    nothing after that. Raises LabError if packages cannot be had.
    """

    def make(target: Path) -> None:
        log = log_of(f"headers-{cell.name}")
        make_root(target, cell.suite, cell.archives, _options(cell), log)
        needs = _ask_apt(target, cell)
        absent = _download(target, needs, cell.architecture, log)
        kept = {
            release: need
            for release, need in needs.items()
            if f"{PREFIX}{release}" not in absent and need.met_without(absent)
        }
        if not kept:
            raise LabError(f"{cell.name}: no headers of a kernel can be had", f"see {log}")
        _install(target, cell.architecture, list(kept.values()), log)
        lost = "\n".join(release for release in needs if release not in kept)
        run(as_root(["tee", str(target / ABSENT)]), stdin=lost)
        if releases_in(target) != list(kept):
            raise LabError(f"{cell.name}: not the headers that were asked for", f"see {log}")

    return made_once(headers_path(cell), make)


def releases_in(root: Path) -> list[str]:
    """The kernels that can be compiled for in a root, oldest first."""
    # "build" is a link to a folder of the root, which this machine need not have.
    folders = root.glob("lib/modules/*")
    found = {folder.name for folder in folders if (folder / "build").is_symlink()}
    return sorted(found - set(absent_from(root)), key=_by_number)


def absent_from(root: Path) -> list[str]:
    """The kernels whose headers the mirror listed but did not have, oldest first."""
    return (root / ABSENT).read_text(encoding="utf-8").split()


def parse_search(text: str, architecture: str) -> list[str]:
    """Releases of the kernels of an architecture in what ``apt-cache search`` printed.

    Metapackages and the headers that flavours share are left out. Raises LabError for a line
    of another form.
    """
    found = []
    for line in text.splitlines():
        package, dash, _ = line.partition(" - ")
        if not dash or not package.startswith(PREFIX):
            raise LabError(f"apt-cache search printed a line of an unknown form: {line!r}")
        release = package[len(PREFIX) :]
        if RELEASE.match(release) and architecture in release.split("-"):
            found.append(release)
    return sorted(found, key=_by_number)


def newest_of_series(releases: Sequence[str]) -> list[str]:
    """Of kernels, oldest first, the last one of each flavour and first two numbers."""
    matches = [found for release in releases if (found := RELEASE.match(release))]
    newest = {(found["series"], found["flavour"]): found[0] for found in matches}
    return [release for release in releases if release in newest.values()]


def parse_show(text: str) -> dict[str, Needs]:
    """What the headers of each kernel need, in what ``apt-cache show`` printed of them.

    Raises LabError if a package does not depend on one of each kind.
    """
    found = {}
    for stanza in text.strip().split("\n\n"):
        pairs = (line.partition(": ") for line in stanza.splitlines() if line[:1] != " ")
        fields = {key: value for key, _, value in pairs}
        package = fields.get("Package", "")
        if not package.startswith(PREFIX):
            raise LabError(f"apt-cache show printed a stanza of no headers: {stanza[:80]!r}")
        depends = [re.split(r"[ (:|]", one)[0] for one in fields.get("Depends", "").split(", ")]
        common, kbuild, compiler = (
            next((match for name in depends if (match := kind.fullmatch(name))), None)
            for kind in (COMMON, KBUILD, COMPILER)
        )
        if common is None or kbuild is None or compiler is None:
            raise LabError(f"{package} needs no common headers, kbuild or gcc: {depends}")
        found[package[len(PREFIX) :]] = Needs(common[0], kbuild[0], compiler["version"])
    return found


def parse_download(text: str) -> set[str]:
    """Packages that the mirror listed but did not have, in what ``apt-get download`` printed.

    Raises LabError for any other fault.
    """
    absent = set()
    for line in text.splitlines():
        if found := NOT_FOUND.match(line):
            absent.add(found["package"])
        elif line.startswith("E:") and not line.startswith(GAVE_UP):
            raise LabError(f"headers cannot be had; apt-get says {line}")
    return absent


def _options(cell: BuildCell) -> list[str]:
    # The lists of packages are kept for apt to be asked.
    options = ["--skip=cleanup/apt/lists", f"--include={','.join(('make', *cell.tools))}"]
    if cell.architecture in CROSS:
        options += [f"--architectures=amd64,{cell.architecture}"]
    return options


def _ask_apt(root: Path, cell: BuildCell) -> dict[str, Needs]:
    """The kernels that apt knows headers of, oldest first, and what those need."""
    search = ["apt-cache", "search", "--names-only", f"^{PREFIX}"]
    releases = parse_search(run(in_root(root, search)), cell.architecture)
    if not releases:
        raise LabError(f"{cell.name}: apt knows of no {PREFIX}* package for a kernel")
    if not cell.every_version:
        releases = newest_of_series(releases)
    packages = [f"{PREFIX}{release}:{cell.architecture}" for release in releases]
    shown = parse_show(run(in_root(root, ["apt-cache", "show", "--no-all-versions", *packages])))
    return {release: shown[release] for release in releases}


def _download(root: Path, needs: dict[str, Needs], architecture: str, log: Path) -> set[str]:
    shared = dict.fromkeys(name for need in needs.values() for name in (need.common, need.kbuild))
    packages = [*shared, *(f"{PREFIX}{release}:{architecture}" for release in needs)]
    run(in_root(root, ["sh", "-euc", DOWNLOAD, "sh", *packages]), log=log)
    return parse_download(log.read_text(errors="replace"))


def _install(root: Path, architecture: str, needs: Sequence[Needs], log: Path) -> None:
    suffix = f"-{CROSS[architecture]}" if architecture in CROSS else ""
    compilers = {f"gcc-{need.compiler}{suffix}" for need in needs}
    kbuilds = {need.kbuild for need in needs}
    install = ["apt-get", "--quiet", "--yes", "--no-install-recommends", "install"]
    # With W=1 kbuild has our comments read by kernel-doc, up to 6.12 in Perl.
    run(in_root(root, [*install, "perl", *sorted(compilers | kbuilds)]), log=log)
    run(in_root(root, ["sh", "-euc", UNPACK]), log=log)
    run(in_root(root, ["sh", "-euc", CLEAN]), log=log)
    run(as_root([*LINK, str(root / "usr" / "src")]))


def _by_number(release: str) -> list[tuple[int, str]]:
    """What puts 6.12.9 before 6.12.10."""
    return [(int(part or 0), word) for part, word in re.findall(r"(\d*)(\D*)", release)]
