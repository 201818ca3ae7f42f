"""Checks of what is counted: the table's format, exactness under a known load, missed samples."""

from __future__ import annotations

from tracer_tools.check.device import self_monitored
from tracer_tools.check.engine import Finding, failed, passed, warned
from tracer_tools.check.kernel import PROBES, parse_probes
from tracer_tools.check.load import EXPECTED, WORK, Growth, known_load, measure
from tracer_tools.errors import FormatError, RequestError
from tracer_tools.module import MODULE, RELOAD, VALUES, read_number
from tracer_tools.system import System
from tracer_tools.table import COLUMNS, TABLE, parse_table, read_table

UNKNOWN_BLOCKS = f"{VALUES}/unknown_blocks"


def table_known(system: System) -> Finding:
    """Find out whether the table has the format that these tools know."""
    try:
        parse_table(read_table(system))
    except FormatError as error:
        return failed(f"{error.message}.", RELOAD)
    return passed(f"{TABLE} has the header with the {len(COLUMNS)} known columns.")


def counts_exactly(system: System) -> Finding:
    """Find out whether this process's counters grow by exactly what a known load costs."""
    unknown = read_number(UNKNOWN_BLOCKS, system)
    try:
        with self_monitored(system), known_load() as work:
            growth = measure(work, lambda: read_table(system), system.pid())
    except (RequestError, FormatError) as error:
        return failed(f"This process could not be monitored: {error}.")
    if growth.exact:
        return passed(f"{WORK} were counted exactly: {shown(growth)}.")
    fact = f"{WORK} were not counted exactly: {', '.join(growth.deviations())}."
    wrong = {name for name, value in growth.counters.items() if value != EXPECTED[name]}
    if wrong == {"kfree_mem"} and read_number(UNKNOWN_BLOCKS, system) > unknown:
        return warned(f"{fact} The table of block sizes is full.", larger_table(system))
    return failed(fact)


def shown(growth: Growth) -> str:
    """Return what each counter grew by."""
    return ", ".join(f"{name} {value}" for name, value in growth.counters.items())


def larger_table(system: System) -> str:
    """Return the command that loads the module with twice the table of block sizes."""
    blocks = 2 * read_number(f"{MODULE}/parameters/tracked_blocks", system)
    return f"{RELOAD} tracked_blocks={blocks}"


def none_missed(system: System) -> Finding:
    """Find out whether the kernel has failed to report calls."""
    missed = read_number(f"{VALUES}/missed_samples", system)
    if missed == 0:
        return passed("The kernel has missed no sample.")
    fact = f"Missed samples since the module was loaded: {missed}; counters may be too low."
    return warned(fact, f"sudo cat {PROBES}", missed_by_symbol(system))


def missed_by_symbol(system: System) -> list[str]:
    """Return a line for each symbol with misses, none if this user may not read them."""
    try:
        probes = parse_probes(system.read(PROBES))
    except OSError:
        return []
    return [
        f"{symbol}: {missed}"
        for symbols in probes.values()
        for symbol, missed in symbols.items()
        if missed
    ]
