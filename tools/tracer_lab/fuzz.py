"""A long run of the fuzzer, guided by KCOV, on a kernel with sanitizers; and what it reached."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tracer_lab.cells import SANITIZER_CELLS, SanitizerCell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.fuzzed_lines import Reached, by_file, lines_of, reached_lines
from tracer_lab.guest_suite import END, GUEST, NOT_COPIED, SAID, SANITIZERS, TREE, build_native
from tracer_lab.kernel_builds import ensure_kernel
from tracer_lab.kernels_record import tree_commit
from tracer_lab.reports import Say
from tracer_lab.roots import kernel_release, log_of
from tracer_lab.sanitizers import MEMORY, STRICT, ensure_sanitizer_base, recipe_of
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

# What ioctl, read and the table are made of.
FILES = (
    *("device.c", "session.c", "record.c", "report.c"),
    *("monitor.c", "process.c", "tree.c", "access.c"),
)
# What a probed function calls runs beside every call, and says nothing of it.
NOT_INSTRUMENTED = ("block", "ftrace", "handler", "kretprobe")
# KCOV follows the calls of a task; these it cannot: they are run when no task asks, or when none
# can.
NOT_FOLLOWED = {
    "tracer_device_register": "load",
    "tracer_processes_create": "load",
    "tracer_report_create": "load",
    "tracer_sessions_create": "load",
    "tracer_device_unregister": "unload",
    "tracer_monitor_stop": "unload",
    "tracer_processes_destroy": "unload",
    "tracer_report_destroy": "unload",
    "tracer_sessions_destroy": "unload",
    "unlink_visited": "unload",
    "exit_status": "the end of a process",
    "tracer_monitor_handle_exit": "the end of a process",
    "process_free_rcu": "after a grace period",
    "session_destroy": "a work item",
    "session_wake": "an interrupt",
}
ENOUGH = 0.9  # of their lines, to be reached
MODULE = Path("src", "tracer")
RESULTS = "fuzzed.json"
SECONDS_FOR_THE_REST = 1800  # booting, searching for leaks, on a busy machine
# KCOV gives addresses as if the kernel had not moved, those of modules, too.
WHERE_IT_WAS_LINKED = "nokaslr"


@dataclass(frozen=True)
class Wish:
    """What a run is to be."""

    calls: int
    seed: int
    workers: int
    seconds: int  # after which it ends, whatever it has made


@dataclass(frozen=True)
class FuzzRun:
    """A run, and what it came to."""

    cell: str
    kernel: str  # release
    day: str
    commit: str
    did: dict[str, Any]  # what tests/guest/fuzzing.py wrote
    reached: tuple[Reached, ...]
    amiss: tuple[str, ...]
    seconds: int  # of the whole guest

    @property
    def share(self) -> float:
        """How much was reached of all lines: 0 to 1."""
        missed = sum(len(one.missed) for one in self.reached)
        return 1 - missed / sum(one.lines for one in self.reached)


def fuzz_cells(only: str) -> list[SanitizerCell]:
    """The cells with KCOV whose name matches that shell pattern, or else all of them."""
    able = [cell for cell in SANITIZER_CELLS if not cell.finds_races]
    found = [cell for cell in able if fnmatchcase(cell.name, only or "*")]
    if not found:
        known = ", ".join(cell.name for cell in able)
        raise LabError(f"no kernel with KCOV is called {only}", f"there are: {known}")
    return found


def fuzz(cell: SanitizerCell, wish: Wish, say: Say) -> FuzzRun:
    """Fuzz the module of the tree on the kernel of that cell.

    Raises LabError if something cannot be built or the guest is lost, GuestPanicked if a
    sanitizer reported something.
    """
    commit, day = tree_commit(TREE), date.today().isoformat()
    kernel = ensure_kernel(recipe_of(cell), say)
    say("making its root file system")
    root = ensure_sanitizer_base(cell, kernel)
    name = f"fuzz-{cell.name}"
    with fresh_share(name) as share:
        say("building the module and the fuzzer")
        prepare(root, share, log_of(f"{name}-build"))
        guest = Guest(
            name,
            root,
            share,
            command_for(wish),
            wish.seconds + SECONDS_FOR_THE_REST,
            memory=MEMORY,
            arguments=(*STRICT, WHERE_IT_WAS_LINKED),
        )
        result = boot(guest, lambda: say("fuzzing"))
        did = results_of(share, result)
        lines = lines_of(share / MODULE / "tracer.ko")
        reached = reached_lines(lines, did["sections"], did["reached"])
    return FuzzRun(
        cell.name,
        result.kernel,
        day,
        commit,
        {key: value for key, value in did.items() if key not in ("reached", "sections")},
        tuple(by_file(lines, reached, FILES, NOT_FOLLOWED)),
        tuple(did["amiss"]),
        round(result.seconds),
    )


def prepare(root: Path, share: Path, log: Path) -> None:
    """Build the module, instrumented, and the fuzzer. Raises LabError with the compiler's words."""
    shutil.copytree(TREE / GUEST, share / "guest", ignore=NOT_COPIED)
    shutil.copytree(TREE / MODULE, share / MODULE, ignore=NOT_COPIED)
    (share / "debian").mkdir()
    shutil.copy(TREE / "debian" / "changelog", share / "debian")  # has the version
    shutil.copy(SANITIZERS, share)
    make = ["make", "-C", f"{SHARE}/{MODULE}", f"KDIR=/lib/modules/{kernel_release(root)}/build"]
    make += ["KCFLAGS=-g", "KCOV_INSTRUMENT=y"]
    make += [f"KCOV_INSTRUMENT_{name}.o=n" for name in NOT_INSTRUMENTED]
    run(in_root(root, make, share), log=log)
    build_native(root, share, share, log)


def command_for(wish: Wish) -> Sequence[str]:
    """What the guest runs: the fuzzer, within what asks the sanitizers."""
    command = ["python3", f"{SHARE}/{SANITIZERS.name}", f"{SHARE}/{SAID}"]
    command += ["python3", f"{SHARE}/guest/fuzzing.py", f"--results={SHARE}/{RESULTS}"]
    command += [f"--module={SHARE}/{MODULE}/tracer.ko", f"--calls={wish.calls}"]
    command += [f"--seed={wish.seed}", f"--workers={wish.workers}", f"--seconds={wish.seconds}"]
    return command


def results_of(share: Path, result: GuestResult) -> dict[str, Any]:
    """What the guest wrote, with what the sanitizers found added to what is amiss."""
    try:
        did: dict[str, Any] = json.loads((share / RESULTS).read_text(encoding="utf-8"))
        said = (share / SAID).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LabError(f"the guest has not fuzzed: {result.output.strip()}") from error
    did["amiss"] += [line for line in said if line != END]
    if said[-1:] != [END]:
        did["amiss"].append("the sanitizers were not asked to the end")
    if not did["reached"]:
        did["amiss"].append("KCOV gave nothing: is the kernel configured with it?")
    return did
