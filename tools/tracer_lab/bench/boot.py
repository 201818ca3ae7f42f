"""A run of the bench: a guest that counts instructions, and what it measured."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tracer_lab.bench.figures import Form, Run, parse_lines
from tracer_lab.bench.root import ensure_bench_root
from tracer_lab.bench.systemtap import ensure_module
from tracer_lab.cells import Cell
from tracer_lab.commands import SHARE, in_root, run
from tracer_lab.errors import LabError
from tracer_lab.guest_suite import NOT_COPIED
from tracer_lab.in_bench.peers.systemtap import COMPILED
from tracer_lab.in_bench.run import wanted
from tracer_lab.kernels_record import tree_commit
from tracer_lab.roots import kernel_release, log_of
from tracer_lab.variants import TREE
from tracer_lab.vm import Guest, boot, fresh_share

IN_GUEST = Path(__file__).resolve().parents[1] / "in_bench"
FIGURES = "figures.jsonl"
SYSTEMTAP = ("systemtap-other", "systemtap-monitored")  # the states that its module is for
MEMORY = "2G"  # ten thousand processes
SECONDS = 7200
# The guest's time is that of QEMU, which no watchdog has to compare with another clock. Where the
# kernel is in memory decides how long the chains of its table of kprobes are.
ARGUMENTS = ("tsc=reliable", "nowatchdog", "nokaslr")


@dataclass(frozen=True)
class Parts:
    """How much of the bench to run."""

    iterations: int = 100_000  # of a batch
    batches: int = 5
    states: str = "*"  # patterns of names, separated by commas
    works: str = "*"
    crowds: Sequence[int] = (1000, 10000)  # numbers of processes that are monitored at once

    def wants(self, states: Iterable[str]) -> bool:
        """Whether any of those states is among the ones to run."""
        return any(wanted(state, self.states) for state in states)

    @property
    def options(self) -> list[str]:
        """What in_bench/run.py is told of it."""
        return [
            f"--iterations={self.iterations}",
            f"--batches={self.batches}",
            f"--states={self.states}",
            f"--works={self.works}",
            "--crowds",
            *map(str, self.crowds),
        ]


FORMS: dict[Form, Parts] = {
    "full": Parts(),
    "short": Parts(
        iterations=20_000,
        batches=3,
        states="baseline,tracer-*",
        works="mutex,kmalloc*,semaphore,schedule,pipe",
        crowds=(),
    ),
}


def run_bench(cell: Cell, form: Form, say: Callable[[str], None]) -> Run:
    """Measure on the kernel of that cell what that form of the bench has.

    ``say`` is told what is being done. Raises what ``measure`` raises.
    """
    commit, day = tree_commit(TREE), date.today().isoformat()
    measured = measure(cell, FORMS[form], say)
    figures, absences = parse_lines(measured.lines)
    return Run(cell.name, measured.kernel, day, commit, form, figures, absences)


@dataclass(frozen=True)
class Measured:
    """What came out of a guest."""

    kernel: str  # release
    lines: str  # of JSON, one a figure


def measure(
    cell: Cell, parts: Parts, say: Callable[[str], None], guests: str = "bench"
) -> Measured:
    """Boot the kernel of a cell and run parts of the bench in it.

    Of the guests of a name and cell there is one at a time: another run waits.

    Raises LabError if something does not compile or the guest says that it cannot go on,
    and what ``vm.boot`` raises.
    """
    say("making the root file system")
    root = ensure_bench_root(cell)
    name = f"{guests}-{cell.name}"
    with fresh_share(name) as share:
        say("building the modules and programs")
        build(root, share, log_of(f"{name}-build"))
        if parts.wants(SYSTEMTAP):
            say("compiling SystemTap's script")
            shutil.copytree(ensure_module(root), share / IN_GUEST.name / COMPILED.name)
        figures = share / FIGURES

        def watch() -> None:
            lines = figures.read_text().count("\n") if figures.exists() else 0
            say(f"{lines} figures" if lines else "booting")

        command = ["env", "-C", SHARE, "python3", "-m", f"{IN_GUEST.name}.run"]
        command += [f"--figures={SHARE}/{FIGURES}", *parts.options]
        guest = Guest(
            name,
            root,
            share,
            command,
            SECONDS,
            cpus=1,
            memory=MEMORY,
            arguments=ARGUMENTS,
            counts_instructions=True,
        )
        result = boot(guest, watch)
        if result.status != 0:
            said = result.output.strip() or "nothing"
            raise LabError(f"the bench ended in its guest: {said}", f"console: {result.console}")
        return Measured(result.kernel, figures.read_text(encoding="utf-8"))


def build(root: Path, share: Path, log: Path) -> None:
    """Put what runs in the guest into the folder that it shares, compiled by its own compiler."""
    shutil.copytree(IN_GUEST, share / IN_GUEST.name, ignore=NOT_COPIED)
    shutil.copytree(TREE / "src" / "tracer", share / "tracer", ignore=NOT_COPIED)
    headers = f"KDIR=/lib/modules/{kernel_release(root)}/build"
    for folder, *settings in (
        ("tracer", headers, "TRACER_VERSION=bench"),
        (f"{IN_GUEST.name}/module", headers),
        (f"{IN_GUEST.name}/native",),
    ):
        run(in_root(root, ["make", "-j2", "-C", f"{SHARE}/{folder}", *settings], share), log=log)
