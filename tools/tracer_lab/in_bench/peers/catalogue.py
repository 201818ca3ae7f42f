"""All peers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from . import bpftrace, ftrace_hist, perf, systemtap
from .counting import MEMORY, Peer, Session, Target

FENTRY = "kfunc"  # its older name, which all versions know


def _by_probes(kind: str, target: Target) -> AbstractContextManager[Session]:
    return bpftrace.attached(bpftrace.counting_script(kind, target))


def _in_sum(target: Target) -> AbstractContextManager[Session]:
    return bpftrace.attached(bpftrace.counting_script(FENTRY, target, a_process=False))


def _by_kmem(target: Target) -> AbstractContextManager[Session]:
    return bpftrace.attached(bpftrace.kmem_script(target))


PEERS = (
    Peer("bpftrace-kprobe", partial(_by_probes, "kprobe")),
    Peer("bpftrace-kretprobe", partial(_by_probes, "kretprobe")),
    Peer("bpftrace-fentry", partial(_by_probes, FENTRY)),
    # The least that it can do: it does not tell processes apart.
    Peer("bpftrace-fentry-sum", _in_sum),
    Peer("bpftrace-kmem", _by_kmem, MEMORY, in_bytes=True),
    Peer("ftrace-hist", ftrace_hist.attached),
    Peer("perf-kprobe", perf.attached_to_kprobes),
    Peer("perf-tracepoint", perf.attached_to_tracepoints, MEMORY),
    Peer("systemtap", systemtap.attached),
)
