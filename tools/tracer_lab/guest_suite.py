"""The guest tests, from the host: what there is to run, and a run of it in a virtual machine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tracer_lab.cache import cache_dir, remove_tree
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.roots import kernel_release, log_of
from tracer_lab.vm import Guest, GuestResult, boot

TREE = Path(__file__).resolve().parents[2]
TESTS = TREE / "tests" / "guest"
RESULTS = "results.jsonl"
SECONDS_FOR_ALL = 1800  # emulated, on a busy machine


def list_tests() -> list[str]:
    """Names of all guest tests, in the order in which they run."""
    return run([sys.executable, str(TESTS / "run.py"), "--list"]).split()


def fresh_share(name: str) -> Path:
    """An empty folder to share with the guest of that name."""
    share = cache_dir() / "shares" / name
    remove_tree(share)
    share.mkdir(parents=True)
    return share


def build_programs(root: Path, share: Path) -> None:
    """Build what the guest tests need built, with the compiler and headers of ``root``.

    Raises LabError with the compiler's words.
    """
    headers = f"/lib/modules/{kernel_release(root)}/build"
    for part in ("workload", "ioctl32"):
        make = ["make", "-C", f"{SHARE}/guest/{part}", f"KDIR={headers}"]
        run(in_root(root, make, share), log=log_of(f"build-{part}"))


def run_suite(root: Path, tests: Sequence[str], name: str) -> GuestResult:
    """Boot ``root`` and run guest tests in it: those named, or all if none is.

    The results are in the file RESULTS of the folder that ``share_of(name)`` gives.
    Raises GuestLost, or LabError if a program cannot be built.
    """
    share = fresh_share(name)
    shutil.copytree(TESTS, share / "guest", ignore=shutil.ignore_patterns("__pycache__"))
    build_programs(root, share)
    command = ["python3", f"{SHARE}/guest/run.py", "--results", f"{SHARE}/{RESULTS}", *tests]
    return boot(Guest(name, root, share, command, SECONDS_FOR_ALL))
