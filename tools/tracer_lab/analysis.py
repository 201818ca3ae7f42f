"""What looks for faults in the source of the module without running it, on the newest headers."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracer_lab.builds import FLAVOURED, MODULE
from tracer_lab.cells import BuildCell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import NOT_COPIED
from tracer_lab.headers import ensure_headers, releases_in
from tracer_lab.kernel_files import ensure_kernel_files
from tracer_lab.roots import in_use, log_of
from tracer_lab.suites import suite_named
from tracer_lab.vm import fresh_share

SUITE = suite_named("forky")
CLANG = "clang-22"  # the first that checks what the headers say of locks
CELL = BuildCell(
    SUITE,
    # spatch runs Python in many of the kernel's scripts, and looks for what links with it.
    tools=(CLANG, "coccinelle", "libpython3-dev", "sparse"),
    purpose="analysis",
)
SOURCE = "linux-source"
LOCKS_OF_OTHERS = "scripts/context-analysis-suppression.txt"
KERNEL_FILES = ("scripts/coccicheck", "scripts/coccinelle", LOCKS_OF_OTHERS)
# These need a compiler of OCaml, ten times the size of coccinelle: one is about the tables of one
# driver, the other about 0 for a pointer, which sparse finds.
NEED_OCAML = ("api/check_bq27xxx_data.cocci", "null/badzero.cocci")

TOOLS = Path(__file__).with_name("for_analysis")
KERNEL = f"{SHARE}/kernel"
# A place, then what is there; spatch names a file as ./main.c and columns as 6-36.
FINDING = re.compile(r"^(?:\./)?(\S+\.[ch]):(\d+):[\d-]+: (?!note: )(.+)$", re.MULTILINE)
FOUND_BY = re.compile(r"/\* found by: (.+) \*/")
READ = re.compile(r"^ +(?:CHECK|CC \[M\]) +(\S+)\.[co]$", re.MULTILINE)


@dataclass(frozen=True)
class Analysis:
    """A checker, and how kbuild is told to have it read what is compiled."""

    name: str  # as faults.c names it
    what: str
    package: str  # or a pattern of the shell for it
    settings: tuple[str, ...] = ()  # of make; none: coccinelle has a script of its own
    must_find_nothing: bool = True


def _by_clang(*options: str) -> tuple[str, ...]:
    checker = f"python3 {SHARE}/{TOOLS.name}/clang.py"
    return (
        "KBUILD_CHECKSRC=2",
        f"CHECK={checker}",
        # A root has more than one gcc, and clang says whose C++ it would take.
        f"CHECKFLAGS={' '.join((CLANG, '-Wno-gcc-install-dir-libstdcxx', *options))} --",
    )


def _configured(option: str) -> tuple[str, ...]:
    return ("-Xclang", "-analyzer-config", "-Xclang", option)


CLANGS_ANALYZER = ("--analyze", "--analyzer-output", "text")
ANALYSES = (
    Analysis("sparse", "sparse", "sparse", ("KBUILD_CHECKSRC=2",)),
    Analysis("coccinelle", "the kernel's scripts for coccinelle", "coccinelle"),
    Analysis(
        "clang",
        "clang's analyzer",
        CLANG,
        _by_clang(
            *CLANGS_ANALYZER,
            *("-include", f"{SHARE}/{TOOLS.name}/allocators.h"),
            # What allocators.h says of functions is believed, also that they may give none.
            *_configured("unix.DynamicMemoryModeling:Optimistic=true"),
            *_configured("suppress-null-return-paths=false"),
        ),
    ),
    # A function that others of its file call is otherwise read only as those call it.
    Analysis(
        "alone",
        "clang's analyzer, each function by itself",
        CLANG,
        _by_clang(*CLANGS_ANALYZER, *_configured("ipa=none")),
    ),
    Analysis(
        "locks",
        "clang's context analysis",
        CLANG,
        # As scripts/Makefile.context-analysis has it, where a kernel is built by clang.
        _by_clang(
            *("-fsyntax-only", "-Wno-everything", "-DWARN_CONTEXT_ANALYSIS"),
            *("-fexperimental-late-parse-attributes", "-Wthread-safety"),
            *("-Wthread-safety-pointer", "-Wthread-safety-beta"),
            f"--warning-suppression-mappings={KERNEL}/{LOCKS_OF_OTHERS}",
        ),
    ),
    # It is not made for the kernel: what it finds is for people to look at.
    Analysis(
        "gcc", "gcc -fanalyzer", "gcc-[0-9][0-9]", ("KCFLAGS=-fanalyzer",), must_find_nothing=False
    ),
)


@dataclass(frozen=True)
class Finding:
    """What a checker says of a line."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Workplace:
    """A root with the checkers, and a folder that it shares with the module's source in it."""

    root: Path
    release: str  # of the kernel whose headers are used
    share: Path


def ensure_checkers() -> tuple[Path, Path]:
    """A root with the checkers and the newest headers, and the kernel's files for them.

    Takes a few minutes the first time, nothing after that. Raises LabError if packages cannot be
    had.
    """
    return ensure_headers(CELL), ensure_kernel_files(SUITE, SOURCE, KERNEL_FILES)


@contextmanager
def workplace(tree: Path, root: Path, kernel: Path) -> Iterator[Workplace]:
    """A place to analyse the module of the tree in, with what ensure_checkers() gave."""
    release = [name for name in releases_in(root) if not FLAVOURED.search(name)][-1]
    with in_use(root), fresh_share(CELL.name) as share:
        shutil.copytree(tree / MODULE, share / MODULE.name, ignore=NOT_COPIED)
        shutil.copytree(TOOLS, share / TOOLS.name)
        shutil.copytree(kernel, share / "kernel")
        for name in NEED_OCAML:
            (share / "kernel" / "scripts" / "coccinelle" / name).unlink()
        yield Workplace(root, release, share)


def version_of(analysis: Analysis, place: Workplace) -> str:
    """The package of the checker and its version: sparse 0.6.4-5."""
    form = "--showformat=${db:Status-Status} ${Package} ${Version}\n"
    query = ["dpkg-query", "--show", form, analysis.package]
    lines = run(in_root(place.root, query)).splitlines()
    return next(line.split(" ", 1)[1] for line in lines if line.startswith("installed "))


def findings(analysis: Analysis, place: Workplace) -> list[Finding]:
    """What the checker says of the module.

    Raises LabError if it does not find what it must in faults.c, has not read every file, or
    could not work.
    """
    faults = (place.share / TOOLS.name / "faults.c").read_text(encoding="utf-8")
    found = findings_in(_output(analysis, place, TOOLS.name))
    missed = planted(analysis.name, faults) - {one.line for one in found}
    if missed:
        lines = ", ".join(map(str, sorted(missed)))
        raise LabError(f"{analysis.what} does not find the faults in faults.c, lines {lines}")
    # The file that stands in for all others is compiled where they are not.
    settings = ("TRACER_VERSION=analysis",), ("TRACER_VERSION=analysis", "TRACER_UNSUPPORTED=y")
    runs = settings if analysis.settings else ((),)
    text = "".join(_output(analysis, place, MODULE.name, *extra) for extra in runs)
    files = {path.stem for path in (place.share / MODULE.name).glob("*.c")}
    unread = {name for name in files if not name.endswith(".mod")} - files_read(text)
    if analysis.settings and unread:
        raise LabError(f"{analysis.what} has not read {', '.join(sorted(unread))}")
    return findings_in(text)


def _output(analysis: Analysis, place: Workplace, folder: str, *settings: str) -> str:
    """What is printed while a checker reads a folder of the share."""
    log = log_of(f"analysis-{analysis.name}-{folder}")
    if analysis.settings:
        build = f"/lib/modules/{place.release}/build"
        command = ["make", "-C", build, f"M={SHARE}/{folder}", *analysis.settings, *settings]
    else:
        # What "make coccicheck" does, which needs the whole source of the kernel.
        jobs = f"J={os.cpu_count() or 1}"
        where = (f"srctree={KERNEL}", f"srcroot={SHARE}/{folder}", f"KBUILD_EXTMOD={folder}")
        command = ["env", *where, jobs, "MODE=report", "bash", f"{KERNEL}/scripts/coccicheck"]
    run(in_root(place.root, command, place.share), log=log)
    return log.read_text(errors="replace")


def findings_in(text: str) -> list[Finding]:
    """The findings in what a checker printed; one that is printed twice counts once.

    A file of the share is named without the folders that it is in.
    """
    found = []
    for file, line, said in FINDING.findall(text):
        name = file.rpartition("/")[2] if file.startswith(f"{SHARE}/") else file
        found.append(Finding(name, int(line), said))
    return list(dict.fromkeys(found))


def files_read(text: str) -> set[str]:
    """The files that were compiled or checked, without their endings, by what make printed."""
    return set(READ.findall(text))


def planted(name: str, faults: str) -> set[int]:
    """The numbers of the lines where the checker of that name is to find something."""
    return {
        number
        for number, line in enumerate(faults.splitlines(), start=1)
        if (marked := FOUND_BY.search(line)) and name in marked[1].split(", ")
    }
