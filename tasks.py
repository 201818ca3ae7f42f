"""What can be done with this tree: ``invoke --list``, or ``./bootstrap TASK``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task
from rich.console import Console

TREE = Path(__file__).resolve().parent
sys.path.insert(0, str(TREE / "tools"))

from tracer_lab.analysis import (  # noqa: E402
    ANALYSES,
    ensure_checkers,
    findings,
    version_of,
    workplace,
)
from tracer_lab.autopkgtest import TESTS, run_autopkgtest  # noqa: E402
from tracer_lab.bench.bounds import complaints  # noqa: E402
from tracer_lab.bench.comparing import check_comparable, comparison  # noqa: E402
from tracer_lab.bench.document import write_performance  # noqa: E402
from tracer_lab.bench.figures import Form, Run, read_runs, write_runs  # noqa: E402
from tracer_lab.bench.running import CELLS, chosen_cells  # noqa: E402
from tracer_lab.bench.terminal import measure  # noqa: E402
from tracer_lab.cache import cache_dir, remove_tree  # noqa: E402
from tracer_lab.cells import cell_named  # noqa: E402
from tracer_lab.commands import SHARE, in_root, run  # noqa: E402
from tracer_lab.demo import show_demo  # noqa: E402
from tracer_lab.errors import LabError  # noqa: E402
from tracer_lab.fuzz import ENOUGH, FuzzRun, Wish, fuzz, fuzz_cells  # noqa: E402
from tracer_lab.fuzz_document import lines_of_run, write_fuzzed  # noqa: E402
from tracer_lab.guest_suite import list_tests  # noqa: E402
from tracer_lab.installing import carry_out, plan_install, plan_uninstall, staged  # noqa: E402
from tracer_lab.kernels_document import write_document  # noqa: E402
from tracer_lab.kernels_record import tree_commit  # noqa: E402
from tracer_lab.lint import lints  # noqa: E402
from tracer_lab.lintian import SUITES, lintian_tags, objections  # noqa: E402
from tracer_lab.matrix import all_jobs, guests_at_a_time, select  # noqa: E402
from tracer_lab.matrix_display import LiveDisplay, show_matrix  # noqa: E402
from tracer_lab.packages import Packages, build_packages  # noqa: E402
from tracer_lab.pictures import take_pictures  # noqa: E402
from tracer_lab.rebuilding import difference, hashes, rebuild  # noqa: E402
from tracer_lab.reports import CellReport, Job, Verdict  # noqa: E402
from tracer_lab.repository import check_programs, checked_uri, make_repository  # noqa: E402
from tracer_lab.roots import ensure_base, kernel_release  # noqa: E402
from tracer_lab.signing_key import find_key, try_key  # noqa: E402
from tracer_lab.steps import step  # noqa: E402
from tracer_lab.target import Target  # noqa: E402
from tracer_lab.variants import packages_of_variant  # noqa: E402

CELL = "bookworm"
PARTS = ("lint", "unit", "vm", "matrix")
SHORT_RECORD = Path("build", "bench.json")
WRONG_USAGE = 2
MADE_IN = ("build", "dist", "src", "tests", "tools")
console = Console()


@contextmanager
def plain_errors(code: int = 1) -> Iterator[None]:
    """End with one clear message, and no traceback, where the lab knows what is wrong."""
    try:
        yield
    except LabError as error:
        raise Exit(f"error: {error}", code=code) from error
    except KeyboardInterrupt:
        raise Exit("interrupted", code=130) from None


def tree_packages() -> Packages:
    """The packages of the tree as it stands, in dist/."""
    return build_packages(TREE, TREE / "dist")


@task
def build(_: Context) -> None:
    """Build the module in src/tracer, for the kernel that the tests boot."""
    with plain_errors():
        root = ensure_base(cell_named(CELL))
        headers = f"/lib/modules/{kernel_release(root)}/build"
        make = ["make", "-C", f"{SHARE}/src/tracer", f"KDIR={headers}"]
        print(run(in_root(root, make, share=TREE)), end="")


@task
def lint(_: Context) -> None:
    """Check the tree without running it: ruff, mypy, shellcheck, clang-format, checkpatch."""
    with plain_errors():
        for check in lints(TREE):
            with step(console, check.name):
                run(check.command, cwd=TREE)


@task
def analyse(_: Context) -> None:
    """Have sparse, coccinelle, clang and gcc look for faults in the module's source."""
    unclean = False
    with plain_errors(), step(console, "making a root file system with the checkers"):
        root, kernel = ensure_checkers()
    with plain_errors(), workplace(TREE, root, kernel) as place:
        for analysis in ANALYSES:
            with step(console, f"{analysis.what}: {version_of(analysis, place)}"):
                found = findings(analysis, place)
            print("".join(f"       {one}\n" for one in found), end="")
            unclean |= analysis.must_find_nothing and bool(found)
    print(f"read for {place.release}")
    if unclean:
        raise Exit(code=1)


def run_cells(jobs: Sequence[Job], tests: str) -> list[CellReport]:
    """Run cells of the matrix with the packages of the tree, and show how that went."""
    with plain_errors():
        with step(console, "building the packages"):
            debs = tree_packages().debs
        return show_matrix(console, jobs, debs, tests)


def end_unless_passed(reports: Sequence[CellReport]) -> None:
    """End with status 1 unless every cell passed."""
    if any(report.verdict is not Verdict.PASS for report in reports):
        raise Exit(code=1)


@task(
    help={
        "only": "only the cells whose name matches this shell pattern: 'trixie*'",
        "k": "only the guest tests with this in their name",
        "all_": "also the cells that take too long for every run",
    },
)
def matrix(_: Context, only: str = "", k: str = "", all_: bool = False) -> None:
    """Run the guest tests on every kernel of the matrix, and write docs/kernels.md."""
    with plain_errors(WRONG_USAGE):
        jobs = select(all_jobs(), only, k, everything=all_)
        list_tests(k, faults=True)
        commit = tree_commit(TREE)
    reports = run_cells(jobs, k)
    if not k:
        write_document(TREE, reports, [job.name for job in all_jobs()], commit)
    end_unless_passed(reports)


def end_unless_bounded(runs: Sequence[Run]) -> None:
    """End with status 1, naming each figure that is over its bound, if there is one."""
    lines = [line for run in runs for line in complaints(run)]
    if lines:
        raise Exit("\n".join(lines), code=1)


def keep_run(run: Run) -> None:
    """Keep a run of the bench in the document, if it is a whole one."""
    if run.form == "full":
        write_performance(TREE, [run], CELLS)


@task(
    help={
        "only": "only the kernels of those cells of the matrix: 'trixie*'",
        "short": "only tracer and no crowds; writes build/bench.json and no document",
        "compare": "say what has moved by more than 1 % since the runs in that file",
        "check": "end with status 1 if a figure is over its bound",
    },
)
def bench(
    _: Context, only: str = "", short: bool = False, compare: str = "", check: bool = False
) -> None:
    """Count the instructions that tracer and its peers add, and write docs/performance.md."""
    form: Form = "short" if short else "full"
    with plain_errors(WRONG_USAGE):
        cells = chosen_cells(only)
        old = read_runs(Path(compare)) if compare else []
        if compare:
            check_comparable(old, [cell.name for cell in cells])
    with plain_errors():
        runs = measure(console, cells, form, keep_run)
        if short:
            write_runs(TREE / SHORT_RECORD, runs)
    if compare:
        print("\n".join(("", *comparison(old, runs).lines())))
    if check:
        end_unless_bounded(runs)


@task(help={"minutes": "how long the storms, limits and loads take, without what is waited for"})
def churn(_: Context, minutes: float = 60.0) -> None:
    """Do everything with the module at the same time, for an hour; writes build/churn.json."""
    tests = [sys.executable, "-m", "pytest", "tests/vm/test_churn.py"]
    setting = {**os.environ, "TRACER_CHURN_MINUTES": str(minutes)}
    status = subprocess.run(tests, cwd=TREE, env=setting, check=False).returncode
    if status != 0:
        raise Exit(code=status)


@task
def fleet(_: Context) -> None:
    """Boot three systems with the exporter, have one Prometheus read them, and unplug one."""
    tests = [sys.executable, "-m", "pytest", "tests/fleet"]
    status = subprocess.run(tests, cwd=TREE, check=False).returncode
    if status != 0:
        raise Exit(code=status)


@task(
    name="test",
    help={
        "only": f"one part: {', '.join(PARTS)}",
        "k": "of the parts unit and vm only the tests that match this expression of pytest,"
        " of the matrix those with this in their name",
    },
)
def run_tests(context: Context, only: str = "", k: str = "") -> None:
    """Run all tests: lint, unit, virtual machines, six cells of the matrix."""
    if only and only not in PARTS:
        known = ", ".join(PARTS)
        raise Exit(f"error: no part called {only}: it is one of {known}", code=WRONG_USAGE)
    if k and only not in PARTS[1:]:
        message = f"error: -k is of one part's tests: add --only {', or '.join(PARTS[1:])}"
        raise Exit(message, code=WRONG_USAGE)
    if only in ("", "lint"):
        lint(context)
    # The long ones first, so that all processors have something to do until the end.
    folders = [f"tests/{part}" for part in ("vm", "unit") if only in ("", part)]
    if folders:
        # The tests of a file share root file systems: they run one after the other.
        aside = [f"--numprocesses={guests_at_a_time()}", "--dist=loadfile"]
        aside += ["--no-loadscope-reorder", "--durations=25"]
        pytest = [sys.executable, "-m", "pytest", *aside, *folders, *(["-k", k] if k else [])]
        status = subprocess.run(pytest, cwd=TREE, check=False).returncode
        if status != 0:
            raise Exit(code=status)
    if only in ("", "matrix"):
        with plain_errors(WRONG_USAGE):
            list_tests(k)
        # The newest kernels take longest: begun last, one would run alone at the end.
        jobs = [job for job in reversed(all_jobs()) if job.in_every_run]
        end_unless_passed(run_cells(jobs, k))


def end_unless_enough(runs: Sequence[FuzzRun]) -> None:
    """End with status 1, saying why, if a run of the fuzzer was amiss or reached too little."""
    lines = [f"{run.cell}: {line}" for run in runs for line in run.amiss]
    lines += [f"{run.cell}: {run.share:.1%} reached" for run in runs if run.share < ENOUGH]
    if lines:
        raise Exit("\n".join(lines), code=1)


@task(
    name="fuzz",
    help={
        "calls": "how many to make",
        "only": "only on the kernels of those cells: 'sanitizer-6.1'",
        "seed": "decides which calls they are, beside what they reach",
        "workers": "processes that make them",
        "minutes": "end after that time, whatever has been made",
    },
)
def run_fuzzer(
    _: Context,
    calls: int = 10_000_000,
    only: str = "sanitizer-6.1",
    seed: int = 1,
    workers: int = 8,
    minutes: int = 120,
) -> None:
    """Fuzz the module where sanitizers watch and KCOV guides, and write docs/fuzzing.md."""
    with plain_errors(WRONG_USAGE):
        cells = fuzz_cells(only)
    wish = Wish(calls, seed, workers, 60 * minutes)
    with plain_errors(), LiveDisplay(console, len(cells)) as display:
        runs = [fuzz(cell, wish, partial(display.said, cell.name)) for cell in cells]
    write_fuzzed(TREE, runs)
    for run_ in runs:
        print("\n".join(lines_of_run(TREE, run_)))
    end_unless_enough(runs)


@task
def package(_: Context) -> None:
    """Make the packages in dist/: both .deb files, wheel, sdist, dkms tarball."""
    with plain_errors(), step(console, "building the packages"):
        made = tree_packages()
    for path in made.files:
        print(path.relative_to(TREE))


@task(
    help={
        "key": "your key that signs it: fingerprint, ID or e-mail address in your GnuPG keyring",
        "uri": "where users will find it: https://example.org/tracer",
    },
)
def repo(_: Context, key: str = "", uri: str = "") -> None:
    """Make a signed APT repository of the packages in dist/repo."""
    with plain_errors():
        check_programs()
    with plain_errors(WRONG_USAGE):
        address, signer = checked_uri(uri), find_key(key)
    target = TREE / "dist" / "repo"
    with plain_errors():
        # None is a step where gpg may ask for a passphrase: nothing must be written over that.
        try_key(signer)
        with step(console, "building the packages"):
            packages = tree_packages()
        make_repository(packages, signer, address, target)
    print(f"{target.relative_to(TREE)} is signed by {signer}")
    print(f"Now: put all of it at {address}")


@task
def quality(_: Context) -> None:
    """Show what lintian of three suites finds, and the hashes of two builds of the packages."""
    with plain_errors(), tempfile.TemporaryDirectory(prefix="tracer-lab-") as folder:
        with step(console, "building the packages"):
            packages = packages_of_variant(Path(folder), lambda _: None)
        with step(console, "building them elsewhere, at another time"):
            other = rebuild(Path(folder) / "tree", Path(folder))
        differing = difference(packages, other)
        for made, which in ((packages, "first build"), (other, "second build")):
            print(f"{which}:")
            print("\n".join(f"{checksum}  {name}" for name, checksum in hashes(made).items()))
        print(differing or "The two are the same.")
        found = {suite: lintian_tags(suite, packages) for suite in SUITES}
    for suite, tags in found.items():
        print("\n  ".join([f"lintian of {suite.name}: {len(tags)} errors, warnings, infos", *tags]))
    if differing or any(objections(suite, tags) for suite, tags in found.items()):
        raise Exit(code=1)


@task(help={"k": "of the guest tests only those with this in their name"})
def autopkgtest(_: Context, k: str = "") -> None:
    """Run debian/tests with autopkgtest, in a virtual machine of its own."""
    with plain_errors(WRONG_USAGE):
        list_tests(k)
    with plain_errors():
        with step(console, "building the packages"):
            packages = tree_packages()
        options = [f"--env=GUEST_TESTS={k}"] if k else []
        ended = []
        for name in TESTS:
            with step(console, name):
                ended.append(run_autopkgtest(name, cell_named(CELL), packages, options))
    for one in ended:
        print(f"{one.summary.strip()}  {one.folder}")
    if not all(one.passed for one in ended):
        raise Exit(code=1)


INSTALLING = {
    "dry-run": "show each step that would be done, and change nothing",
    "root": "only lay out the files, below this folder: for packagers, like make's DESTDIR",
}


@task(help={**INSTALLING, "kernel": "build for this release instead of the running kernel's"})
def install(_: Context, dry_run: bool = False, root: str = "", kernel: str = "") -> None:
    """Install the module on this system by dkms alone, where there is no package of it."""
    if root and kernel:
        raise Exit("error: --kernel is for dkms, which --root leaves out", code=WRONG_USAGE)
    with plain_errors():
        target = Target(staged(root), kernel)
        carry_out(plan_install(TREE, target, dry_run=dry_run), console, dry_run=dry_run)
    if not target.staging and not dry_run:
        check = Path(sys.executable).with_name("tracer-check")
        print(f"Now: {check}" if check.exists() else f"Now: pipx install {TREE}; tracer-check")


@task(help=INSTALLING)
def uninstall(_: Context, dry_run: bool = False, root: str = "") -> None:
    """Take away all that install has put on this system."""
    with plain_errors():
        target = Target(staged(root))
        carry_out(plan_uninstall(TREE, target, dry_run=dry_run), console, dry_run=dry_run)


@task
def demo(_: Context) -> None:
    """Install the packages in a Debian of their own, boot it, and count real programs."""
    with plain_errors():
        show_demo(console, CELL, lambda: tree_packages().debs)


@task
def pictures(_: Context) -> None:
    """Record and watch programs in a guest, and make the pictures that README shows."""
    with plain_errors():
        kept = take_pictures(
            console,
            CELL,
            lambda: tree_packages().debs,
            TREE / "build" / "pictures",
            TREE / "docs" / "pictures",
        )
    for path in kept:
        print(path.relative_to(TREE))


@task(help={"everything": "also what the lab keeps: root file systems, logs"})
def clean(_: Context, everything: bool = False) -> None:
    """Remove what was built."""
    with plain_errors():
        # Only what git ignores, and not the virtual environment that this runs in.
        run(["git", "clean", "-d", "-X", "--force", "--", *MADE_IN], cwd=TREE)
        if everything:
            remove_tree(cache_dir())


namespace = Collection(
    build,
    lint,
    analyse,
    run_tests,
    matrix,
    bench,
    churn,
    fleet,
    run_fuzzer,
    package,
    quality,
    autopkgtest,
    repo,
    install,
    uninstall,
    demo,
    pictures,
    clean,
)
