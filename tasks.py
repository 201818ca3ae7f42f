"""What can be done with this tree: ``invoke --list``, or ``./bootstrap TASK``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task
from rich.console import Console

TREE = Path(__file__).resolve().parent
sys.path.insert(0, str(TREE / "tools"))

from tracer_lab.cache import cache_dir, remove_tree  # noqa: E402
from tracer_lab.cells import cell_named  # noqa: E402
from tracer_lab.commands import SHARE, as_root, in_root, run  # noqa: E402
from tracer_lab.demo import show_demo  # noqa: E402
from tracer_lab.errors import LabError  # noqa: E402
from tracer_lab.lint import lints  # noqa: E402
from tracer_lab.packages import Packages, build_packages  # noqa: E402
from tracer_lab.roots import ensure_base, kernel_release, log_of  # noqa: E402
from tracer_lab.steps import step  # noqa: E402

CELL = "bookworm"
PACKAGES = ("tracer-dkms", "tracer-tools")
PARTS = ("lint", "unit", "vm")
MADE_IN = ("build", "dist", "src", "tests", "tools")
console = Console()


@contextmanager
def plain_errors() -> Iterator[None]:
    """End with one clear message, and no traceback, where the lab knows what is wrong."""
    try:
        yield
    except LabError as error:
        raise Exit(f"error: {error}", code=1) from error
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


@task(
    name="test",
    help={
        "only": "one part: lint, unit or vm",
        "k": "only the tests whose name matches this expression (as pytest's -k)",
    },
)
def run_tests(context: Context, only: str = "", k: str = "") -> None:
    """Run all tests: lint, unit tests, package build, guest tests in a virtual machine."""
    if only and only not in PARTS:
        raise Exit(f"error: no part called {only}: it is one of {', '.join(PARTS)}", code=2)
    if only in ("", "lint") and not k:
        lint(context)
    folders = [f"tests/{part}" for part in ("unit", "vm") if only in ("", part)]
    if not folders:
        return
    selection = ["-k", k] if k else []
    pytest = [sys.executable, "-m", "pytest", *folders, *selection]
    status = subprocess.run(pytest, cwd=TREE, check=False).returncode
    if status != 0:
        raise Exit(code=status)


@task
def package(_: Context) -> None:
    """Make the packages in dist/: both .deb files, wheel, sdist, dkms tarball."""
    with plain_errors(), step(console, "building the packages"):
        made = tree_packages()
    for path in made.files:
        print(path.relative_to(TREE))


@task
def install(_: Context) -> None:
    """Install the packages of this tree on this machine, with apt."""
    apt = ["apt-get", "install", "--yes", "--reinstall"]
    with plain_errors():
        debs = [str(deb) for deb in tree_packages().debs]
        with step(console, "installing the packages"):
            run(as_root([*apt, *debs]), log=log_of("install"))
    print("Now: tracer-check")


@task
def uninstall(_: Context) -> None:
    """Purge the packages from this machine, with apt."""
    with plain_errors(), step(console, "purging the packages"):
        run(as_root(["apt-get", "purge", "--yes", *PACKAGES]), log=log_of("uninstall"))


@task
def demo(_: Context) -> None:
    """Install the packages in a Debian of their own, boot it, and count real programs."""
    with plain_errors():
        show_demo(console, CELL, lambda: tree_packages().debs)


@task(help={"everything": "also what the lab keeps: root file systems, logs"})
def clean(_: Context, everything: bool = False) -> None:
    """Remove what was built."""
    with plain_errors():
        # Only what git ignores, and not the virtual environment that this runs in.
        run(["git", "clean", "-d", "-X", "--force", "--", *MADE_IN], cwd=TREE)
        if everything:
            remove_tree(cache_dir())


namespace = Collection(build, lint, run_tests, package, install, uninstall, demo, clean)
