"""The guest tests, from the host: what there is to run, and a run of it in a virtual machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.reports import Order
from tracer_lab.results import Results, parse_results
from tracer_lab.roots import architecture_of, kernel_release
from tracer_lab.vm import (
    Guest,
    GuestLost,
    GuestPanicked,
    GuestResult,
    boot,
    fresh_share,
    warn_of_loss,
)

TREE = Path(__file__).resolve().parents[2]
GUEST = Path("tests", "guest")  # in the tree
TESTS = TREE / GUEST
RESULTS = "results.jsonl"
FACTS = "facts.json"
KERNEL_LOG = "kernel.log"  # run_in_guest.sh names it
# What builds leave beside the source on the host is not for the guest.
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.o", "*.ko", "*.cmd", "*.mod*")
MEMORY = "2G"  # a thousand processes are among the tests
SECONDS_FOR_ALL = 1800  # emulated, on a busy machine
SANITIZERS = Path(__file__).with_name("in_sanitizer") / "watch.py"
SAID = "sanitizers.txt"  # what that writes
END = "end"  # its last line
FAULTS = "--faults"  # option of run.py


@dataclass(frozen=True)
class Setting:
    """How the guest tests are run."""

    arguments: Sequence[str] = ()  # further ones for the kernel
    memory: str = MEMORY
    slowness: int = 1  # how many times as long everything may take
    sanitizers: bool = False  # the kernel has some, which are asked at the end
    faults: bool = False  # it can have allocations fail: with the tests that need that


USUAL = Setting()


@dataclass(frozen=True)
class SuiteRun:
    """A run of guest tests: what the lab and what the guest said of it."""

    selected: Sequence[str]  # the tests that it was to run
    result: GuestResult
    results: Results
    facts: str  # as the guest wrote them; empty if it did not
    kernel_log: str = ""
    sanitizers: str | None = None  # what watch.py wrote; None where it was not to run


def list_tests(pattern: str = "", folder: Path = TESTS, *, faults: bool = False) -> list[str]:
    """Names of the guest tests that hold ``pattern``, in the order in which they run.

    ``faults``: with those that need a kernel with fault injection. Raises LabError if none does.
    """
    options = [FAULTS] if faults else []
    names = run([sys.executable, str(folder / "run.py"), "--list", *options]).split()
    found = [name for name in names if fnmatchcase(name, f"*{pattern}*")]
    if not found:
        raise LabError(f"no guest test has {pattern!r} in its name", f"{TESTS}/run.py --list")
    return found


def build_programs(root: Path, share: Path, tree: Path, log: Path) -> None:
    """Build what the guest tests need built, with the compiler and headers of ``root``.

    Raises LabError with the compiler's words.
    """
    headers = f"/lib/modules/{kernel_release(root)}/build"
    # The 32-bit caller is written for x86; elsewhere its tests are skipped.
    parts = ("workload", "ioctl32") if architecture_of(root) == "amd64" else ("workload",)
    for part in parts:
        make = ["make", "-C", f"{SHARE}/guest/{part}", f"KDIR={headers}"]
        run(in_root(root, make, share), log=log)
    build_native(root, share, tree, log)


def build_native(root: Path, share: Path, tree: Path, log: Path) -> None:
    """Build programs with the compiler of the host: ``root`` has no C library to build with.

    Where the guest is of another architecture there are none, and their tests are skipped.
    """
    if architecture_of(root) == "amd64" and os.uname().machine == "x86_64":
        for part in ("fuzzer", "fail_nth"):
            make = ["make", "-C", str(share / "guest" / part), f"ABI={tree / 'src' / 'tracer'}"]
            run(make, log=log)


def run_suite(
    name: str,
    root: Path,
    order: Order,
    on_loss: Callable[[str], None] = warn_of_loss,
    setting: Setting = USUAL,
) -> SuiteRun:
    """Boot ``root`` and run in it the guest tests that are ordered; of the rest say how it goes.

    Raises GuestLost or GuestPanicked, both naming the test that was under way, and LabError if
    a program cannot be built.
    """
    with fresh_share(name) as share:
        shutil.copytree(order.tree / GUEST, share / "guest", ignore=NOT_COPIED)
        selected = list_tests(order.tests, share / "guest", faults=setting.faults)
        order.say("building the tests' programs")
        build_programs(root, share, order.tree, order.log)

        def results_now() -> Results:
            return parse_results(_text_of(share / RESULTS))

        def watch() -> None:
            ended = len(results_now().outcomes)
            order.say(f"{ended} of {len(selected)} tests" if ended else "booting")

        guest = Guest(
            name,
            root,
            share,
            command_for(order.tests, setting),
            SECONDS_FOR_ALL * setting.slowness,
            memory=setting.memory,
            arguments=setting.arguments,
        )
        if setting.sanitizers:
            shutil.copy(SANITIZERS, share)
        try:
            result = boot(guest, watch, on_loss)
        except (GuestLost, GuestPanicked) as error:
            ended = results_now().outcomes
            during = next((test for test in selected if test not in ended), "its end")
            message = f"{error.message}; {len(ended)} tests had ended, next was {during}"
            raise type(error)(message, error.hint) from error
        return SuiteRun(
            selected,
            result,
            results_now(),
            facts=_text_of(share / FACTS),
            kernel_log=_text_of(share / KERNEL_LOG),
            sanitizers=_text_of(share / SAID) if setting.sanitizers else None,
        )


def command_for(tests: str, setting: Setting) -> list[str]:
    """What the guest runs: the tests, on a kernel with sanitizers within what asks those."""
    command = ["python3", f"{SHARE}/guest/run.py", "--results", f"{SHARE}/{RESULTS}"]
    command += ["--facts", f"{SHARE}/{FACTS}"]
    command += ["--slowness", str(setting.slowness), *([FAULTS] if setting.faults else [])]
    command += [tests] if tests else []
    if setting.sanitizers:
        return ["python3", f"{SHARE}/{SANITIZERS.name}", f"{SHARE}/{SAID}", *command]
    return command


def faults(suite: SuiteRun) -> list[str]:
    """Why a run is no pass, beside the tests that failed: empty if there is nothing else."""
    found = []
    silent = [test for test in suite.selected if test not in suite.results.outcomes]
    if silent:
        found.append(f"no result of {len(silent)} tests, the first of them {silent[0]}")
    if not suite.results.ended:
        found.append("the results have no end line")
    failed = suite.results.counted("fail")
    if suite.result.status != (1 if failed else 0):
        found.append(
            f"{failed} tests failed, but the exit status of the runner is {suite.result.status}; "
            f"the end of its output: {suite.result.output[-400:].strip()}"
        )
    if not suite.result.powered_off:
        found.append("the guest did not power off in order")
    return [*found, *_said_by_sanitizers(suite.sanitizers)]


def _said_by_sanitizers(text: str | None) -> list[str]:
    """What watch.py wrote, if it is anything but that there is nothing to say."""
    lines = [END] if text is None else text.splitlines()
    if lines[-1:] != [END]:
        lines.append("the sanitizers were not asked to the end")
    said = "\n".join(line for line in lines if line != END)
    return [f"the kernel's sanitizers: {said}"] if said else []


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
