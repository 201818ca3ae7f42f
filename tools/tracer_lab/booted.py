"""The cells that boot: packages installed by apt, the suite's kernel started, guest tests run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tracer_lab.cells import CELLS, Cell
from tracer_lab.errors import LabError
from tracer_lab.facts import KernelFacts, parse_facts
from tracer_lab.guest_suite import Setting, SuiteRun, faults, run_suite
from tracer_lab.reports import CellReport, Finding, Job, Order, Verdict, stopped_by
from tracer_lab.results import Results
from tracer_lab.roots import ensure_base, ensure_layer, kernel_release

# In every run of the tests; `invoke matrix` has all. bookworm-backports has the kernel of trixie;
# the engine that is not the default is there alone where kernels still change most.
IN_EVERY_RUN = (
    *("bullseye", "bookworm", "trixie", "forky", "trixie-backports"),
    "trixie-backports-ftrace",
)
BY_FTRACE = ("tracer.engine=ftrace",)  # modprobe takes a module's parameters from here, too


def boot_jobs() -> list[Job]:
    """The cells that boot: each with the default engine, then those of amd64 with ftrace."""
    by_kretprobe = [
        # Emulation of another architecture takes its time, already to install the packages.
        Job(
            cell.name,
            partial(run_cell, cell),
            cell.name in IN_EVERY_RUN,
            cell.architecture == "amd64",
        )
        for cell in CELLS
    ]
    by_ftrace = [
        Job(name, partial(run_by_ftrace, cell), name in IN_EVERY_RUN)
        for cell in CELLS
        if cell.architecture == "amd64"
        for name in [f"{cell.name}-ftrace"]
    ]
    return [*by_kretprobe, *by_ftrace]


def run_by_ftrace(cell: Cell, order: Order) -> CellReport:
    """As :func:`run_cell`, with the engine that is not the default."""
    return run_cell(cell, order, f"{cell.name}-ftrace", BY_FTRACE)


def run_cell(cell: Cell, order: Order, name: str = "", arguments: Sequence[str] = ()) -> CellReport:
    """Install the packages in that cell's system, boot it, run guest tests, and judge.

    ``arguments`` are further ones for the kernel, ``name`` is the report's if not the cell's.

    Raises LabError if the system cannot be made or the packages not installed.
    """
    order.say("making its root file system")
    base = ensure_base(cell)
    return run_on(base, cell.name, name or cell.name, order, Setting(arguments))


def run_on(base: Path, system: str, name: str, order: Order, setting: Setting) -> CellReport:
    """Install the packages on a copy of a root file system, boot it, run guest tests, and judge.

    ``system`` is what logs call the root file system, ``name`` is the report's.
    Raises LabError if the packages cannot be installed.
    """
    order.say("installing the packages")
    root = ensure_layer(base, system, order.debs)
    losses: list[str] = []
    try:
        suite = run_suite(f"matrix-{name}", root, order, losses.append, setting)
    except LabError as error:
        return stopped_by(error, name, order.log, kernel_release(root))
    with order.log.open("a", encoding="utf-8") as sink:
        sink.write(story_of(suite))
    return judged(name, suite, order.log, losses)


def judged(name: str, suite: SuiteRun, log: Path, notes: Sequence[str] = ()) -> CellReport:
    """What a run of guest tests comes to: a pass if nothing at all is amiss."""
    failed = _findings(suite.results, "fail")
    reasons = faults(suite)
    facts: KernelFacts | None = None
    try:
        facts = parse_facts(suite.facts)
    except LabError as error:
        reasons.append(error.message)
    return CellReport(
        name=name,
        verdict=Verdict.FAIL if failed or reasons else Verdict.PASS,
        log=log,
        kernel=suite.result.kernel,
        passed=suite.results.counted("pass"),
        failed=failed,
        skipped=_findings(suite.results, "skip"),
        reasons=tuple(reasons),
        notes=tuple(notes),
        facts=facts,
    )


def _findings(results: Results, outcome: str) -> tuple[Finding, ...]:
    found = [one for one in results.outcomes.values() if one.outcome == outcome]
    return tuple(Finding(one.test, one.detail) for one in found)


def story_of(suite: SuiteRun) -> str:
    """All that is known of a run of guest tests, for the cell's log."""
    result = suite.result
    ending = "powered off in order" if result.powered_off else "did not power off in order"
    return (
        f"--- Linux {result.kernel}, {result.seconds:.0f} s, {ending}\n"
        f"--- console: {result.console}\n"
        f"--- what the tests printed; exit status {result.status}\n{result.output}"
        f"--- facts\n{suite.facts}\n"
        f"--- sanitizers\n{suite.sanitizers or 'none'}\n"
        f"--- kernel log\n{suite.kernel_log}"
    )
