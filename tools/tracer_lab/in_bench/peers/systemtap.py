"""SystemTap: a script compiled beforehand to a module, for kernels that it can compile for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .bpftrace import parse_maps
from .counting import KMALLOC, Session, Target
from .tool import PeerError, running

# What was compiled on the host: the module, or a file with the reason why there is none.
COMPILED = Path(__file__).resolve().parents[1] / "systemtap"
MODULE = "tracer_bench_systemtap"
ABSENT = "absent"
ATTACHED = "attached"
# Those of the kernels that the bench boots: what another has not is left out as it is loaded.
KMALLOC_SYMBOLS = (
    "__kmalloc",
    "__kmalloc_node",
    "__kmalloc_node_track_caller",
    "kmalloc_trace",
    "kmalloc_node_trace",
    "kmalloc_large",
    "kmalloc_large_node",
    "__kmalloc_noprof",
    "__kmalloc_node_noprof",
    "__kmalloc_node_track_caller_noprof",
    "__kmalloc_cache_noprof",
    "__kmalloc_cache_node_noprof",
    "__kmalloc_large_noprof",
    "__kmalloc_large_node_noprof",
    "__kmalloc_flags_noprof",
    "__kvmalloc_node_noprof",
)
OTHERS = ("kfree", "schedule", "up", "down_interruptible", "mutex_lock", "mutex_unlock")
SYMBOLS = (*KMALLOC_SYMBOLS, *OTHERS)
# A timer first comes when all probes are there, which what begins a script does not wait for.
REST = f"""\
global first, second, said
probe timer.ms(100) {{ if (!said) {{ said = 1; println("{ATTACHED}") }} }}
"""
PROBE = """\
global calls_of_{function}
probe {probes} {{
    if (pid() == first || pid() == second) calls_of_{function}[pid()] <<< 1
}}
probe end {{
    foreach (one in calls_of_{function})
        printf("@{function}[%d]: %d\\n", one, @count(calls_of_{function}[one]))
}}
"""


def script() -> str:
    """A script that counts the calls of two processes, whose PIDs it is given when it is run."""
    served = [(KMALLOC, KMALLOC_SYMBOLS), *((name, (name,)) for name in OTHERS)]
    return REST + "".join(_part(function, symbols) for function, symbols in served)


def _part(function: str, symbols: Sequence[str]) -> str:
    probes = ", ".join(f'kprobe.function("{symbol}")?' for symbol in symbols)
    return PROBE.format(function=function, probes=probes)


@contextmanager
def attached(target: Target) -> Iterator[Session]:
    """Count until the end of the block. Raises PeerError, also if it could not be compiled."""
    absent = COMPILED / ABSENT
    if absent.exists():
        raise PeerError(absent.read_text(encoding="utf-8").strip())
    unknown = set(target.all_symbols) - set(SYMBOLS)
    if unknown:
        raise PeerError(f"the script for SystemTap lacks {', '.join(sorted(unknown))}")
    first, *rest = target.pids
    pids = [f"first={first}", f"second={rest[0] if rest else first}"]
    session = Session()
    with running(["staprun", str(COMPILED / f"{MODULE}.ko"), *pids]) as tool:
        tool.wait_for(ATTACHED)
        yield session
        session.calls.update(parse_maps(tool.interrupt()))
