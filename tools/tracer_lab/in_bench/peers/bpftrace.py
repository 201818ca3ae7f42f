"""bpftrace: a counter a function and process, in maps that each processor has of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .counting import Session, Target
from .tool import running

ENVIRONMENT = {
    # It then prints so once it has attached all probes; its own tests wait for that.
    "__BPFTRACE_NOTIFY_PROBES_ATTACHED": "1",
    # More blocks than these are not known at once: before 0.21, and since.
    "BPFTRACE_MAP_KEYS_MAX": "65536",
    "BPFTRACE_MAX_MAP_KEYS": "65536",
}
ATTACHED = "__BPFTRACE_NOTIFY_PROBES_ATTACHED"
COUNTER = re.compile(r"^@(\w+)(?:\[\d+\])?: (\d+)$", re.MULTILINE)
# What was asked for is known of a block until it is freed.
KMEM = """\
tracepoint:kmem:kmalloc /{ours}/ {{
    @kmalloc_mem[pid] = sum(args->bytes_req); @size[args->ptr] = args->bytes_req;
}}
tracepoint:kmem:kfree /{ours}/ {{
    @kfree_mem[pid] = sum(@size[args->ptr]); delete(@size[args->ptr]);
}}
END {{ clear(@size); }}
"""


def counting_script(kind: str, target: Target, *, a_process: bool = True) -> str:
    """A script that counts calls by probes of a kind: kprobe, kretprobe, kfunc.

    With ``a_process`` it counts those of each process, as tracer does, else their sum alone.
    """
    key = "[pid]" if a_process else ""
    lines = []
    for function, symbols in target.symbols.items():
        probes = ",".join(f"{kind}:{symbol}" for symbol in symbols)
        lines.append(f"{probes} /{_ours(target)}/ {{ @{function}{key} = count(); }}\n")
    return "".join(lines)


def kmem_script(target: Target) -> str:
    """A script that sums the bytes of kmalloc and kfree by the kernel's tracepoints."""
    return KMEM.format(ours=_ours(target))


def _ours(target: Target) -> str:
    return " || ".join(f"pid == {pid}" for pid in target.pids)


@contextmanager
def attached(script: str) -> Iterator[Session]:
    """Run a script until the end of the block."""
    session = Session()
    with running(["bpftrace", "-e", script], ENVIRONMENT) as tool:
        tool.wait_for(ATTACHED)
        yield session
        session.calls.update(parse_maps(tool.interrupt()))


def parse_maps(text: str) -> dict[str, int]:
    """The counters that it prints at its end, each summed over the processes."""
    found: dict[str, int] = {}
    for name, value in COUNTER.findall(text):
        found[name] = found.get(name, 0) + int(value)
    return found
