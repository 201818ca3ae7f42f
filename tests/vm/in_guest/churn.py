"""Run in a guest: everything that can be done with the module, at the same time, for minutes.

usage: churn.py FACTS MINUTES, with tests/guest and the compiled module in the share
"""

from __future__ import annotations

import collections
import fcntl
import functools
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "guest"))

import churn_memory  # noqa: E402
import device  # noqa: E402
import kmodule  # noqa: E402
import kprobes  # noqa: E402
import proctracer  # noqa: E402
import waiting  # noqa: E402
from case import SYSFS  # noqa: E402
from churn_actors import (  # noqa: E402
    Act,
    Tally,
    acting,
    add_and_remove,
    add_the_ending,
    add_trees,
    grow_trees,
    knock,
    read_in_pieces,
)
from churn_memory import Bounds  # noqa: E402
from churn_work import (  # noqa: E402
    ROOM_OR_NOT,
    THREADS,
    monitored_workers,
    portion,
    stressed,
)
from kmsg import KernelLog  # noqa: E402
from outcomes import Facts, take  # noqa: E402

MODULE = HERE.parent / "tracer" / "tracer.ko"
ENGINES = ("kretprobe", "ftrace")
# Of the given time; the rest is for loading, unloading, and for what is waited for.
SHARE_OF_STORMS, SHARE_OF_LIMITS = 0.6, 0.1
ROUNDS = (4, 8)  # of storms, at least and at most: one a minute
LOADS_A_MINUTE = 200 / 60
LOADING = -8  # nice value of who loads and unloads
LEAST_ADDS = 2000  # in a round, that a leak of one object each stands out
LIMITS = (
    ("max_processes=1",),
    ("max_processes=1048576", "engine=ftrace"),
    ("tracked_blocks=32768", "engine=ftrace"),
    ("tracked_blocks=67108864",),
)
USUAL = frozenset({"OK", "EEXIST", "ESRCH"})
FULL = USUAL | {"ENOSPC"}
AWAY = USUAL | {"ENOENT", "ENODEV"}
MIB = 1 << 20
# Each process that was added takes two objects of kmalloc-cg-192, and 288 bytes of per-CPU memory
# with four processors; each load a table of 4 MiB. Without a leak fewer than 200 objects came or
# went; nine blocks a round that each worker keeps are among them.
OF_STORMS = Bounds(500, {"slab": 8 * MIB, "per CPU": MIB // 2, "vmalloc": MIB})
OF_LOADS = Bounds(300, {"slab": 2 * MIB, "per CPU": MIB // 2, "vmalloc": 2 * MIB})
SETTINGS = {
    # Of stress-ng the threads that lock are of real time: a fifth is enough for them.
    "kernel/sched_rt_runtime_us": "200000",
    # QEMU translates a page of code anew for each address at which it is run, and goes through all
    # of that for each byte that is written to the page when it is used again: for minutes.
    "kernel/randomize_va_space": "0",
    # The kernel is not to log each time that caches are dropped.
    "vm/drop_caches": "4",
}
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def minutes() -> float:
    """Give how long it is to take, from the command line."""
    return float(sys.argv[2])


@contextmanager
def logged(facts: Facts) -> Iterator[None]:
    """Put into facts what the kernel complains of until the end of the block, and the seconds."""
    log, began = KernelLog(), time.monotonic()
    yield
    facts["complaints"] = log.complaints()
    facts["seconds"] = round(time.monotonic() - began, 1)
    log.close()


def reload(*parameters: str) -> None:
    """Load the module with these parameters, after it was unloaded if need be."""
    if kmodule.loaded():
        unload()
    kmodule.load_file(MODULE, *parameters)


def unload() -> None:
    """Unload the module as soon as nobody has a file of the device."""
    waiting.until(lambda: device.outcome(kmodule.unload) == "OK", "nobody has the device open")


def rows_once(pids: frozenset[int]) -> list[int]:
    """Give the rows once there are those of these processes alone, or else at the deadline."""
    with suppress(waiting.NeverCameTrueError):  # whoever judges sees it
        waiting.until(lambda: proctracer.rows().keys() == pids, "only the living have a row")
    return list(proctracer.rows())


def totals() -> Facts:
    """Give what the module says in sysfs."""
    names = ("engine", "processes", "missed_samples", "unknown_blocks", "unfollowed")
    return {name: (SYSFS / name).read_text(encoding="ascii").strip() for name in names}


def storm(
    stay: frozenset[int],
    expected: frozenset[str],
    least: int,
    stressors: Sequence[int],
) -> list[Act]:
    """Give the cast of a storm: who adds and removes, who adds the ending, trees, and readers."""
    adding = functools.partial(add_and_remove, stressors, expected, least // 2)
    reading = functools.partial(read_in_pieces, stay)
    return [
        adding,
        adding,
        functools.partial(add_the_ending, expected),
        functools.partial(grow_trees, expected),
        reading,
        reading,
    ]


def storms() -> Facts:
    """Storm again and again, and look after each at what is left."""
    tally: Tally = collections.Counter()
    least, most = ROUNDS
    rounds = int(min(most, max(least, minutes())))
    seconds = 60 * minutes() * SHARE_OF_STORMS / rounds
    steps = portion(max(1, int(minutes() / 4)))
    facts: Facts = {"rounds": rounds, "seconds of a round": seconds, "levels": [], "rows": []}
    reload()
    with logged(facts), monitored_workers(steps, rounds, THREADS, process=True) as workers:
        for number in range(rounds):
            with (
                stressed(tally) as pids,
                acting(storm(workers.pids, USUAL, LEAST_ADDS, pids), tally),
            ):
                workers.begin()
                time.sleep(seconds)
                workers.await_end("done" if number == rounds - 1 else "parked")
            print(f"round {number + 1} of {rounds}: {dict(tally)}", flush=True)
            facts["rows"].append(rows_once(workers.pids))
            now = churn_memory.level()
            if number == 0:
                first = now
            now, grown = churn_memory.settled(first, OF_STORMS)
            facts["levels"].append(now.as_facts())
            facts["grown"] = grown
        facts.update(workers.facts(), **totals(), pids=sorted(workers.pids), tally=dict(tally))
    return facts


def limits() -> Facts:
    """Storm with each parameter at its ends."""
    facts: Facts = {"cases": {}}
    with logged(facts):
        for parameters in LIMITS:
            tally: Tally = collections.Counter()
            expected = FULL if parameters[0] == "max_processes=1" else USUAL
            reload(*parameters)
            with monitored_workers(ROOM_OR_NOT) as workers, stressed(tally) as pids:
                with acting(storm(workers.pids, expected, 0, pids), tally):
                    workers.begin()
                    time.sleep(60 * minutes() * SHARE_OF_LIMITS / len(LIMITS))
                    workers.await_end("done")
                case = {**workers.facts(), **totals(), "tally": dict(tally)}
                case |= {"rows": rows_once(workers.pids), "pids": sorted(workers.pids)}
            print(f"{parameters}: {dict(tally)}", flush=True)
            facts["cases"][" ".join(parameters)] = case
    reload()
    return facts


def loads() -> Facts:
    """Load and unload under load, with both engines in turn; the module is loaded afterwards."""
    try:
        return load_again_and_again()
    finally:
        reload()


def load_again_and_again() -> Facts:
    """Do it as often as was asked for, and see whether memory grows."""
    tally: Tally = collections.Counter()
    facts: Facts = {"wanted": round(minutes() * LOADS_A_MINUTE), "loads": []}
    cast: list[Act] = [
        functools.partial(knock, AWAY),
        functools.partial(add_the_ending, AWAY),
        functools.partial(read_in_pieces, frozenset(), may_fail=True),
    ]
    with logged(facts):
        for engine in ENGINES:
            load_once(engine, [])
        before = churn_memory.level()
        with stressed(tally) as pids, acting(cast, tally):
            os.setpriority(os.PRIO_PROCESS, 0, LOADING)
            for number in range(facts["wanted"]):
                facts["loads"].append(load_once(ENGINES[number % 2], pids))
                print(f"load {number + 1}", flush=True)
        after, facts["grown"] = churn_memory.settled(before, OF_LOADS)
        facts["levels"] = [before.as_facts(), after.as_facts()]
        facts["probes"] = [*kprobes.kretprobes(), *kprobes.traced()]
    facts["tally"] = dict(tally)
    return facts


def load_once(engine: str, stressors: Sequence[int]) -> Facts:
    """Load, count exactly, follow trees, be refused, and unload while all of it goes on."""
    reload(f"engine={engine}")
    with monitored_workers(ROOM_OR_NOT) as workers:
        with device.opened() as fd:
            add_trees(fd, stressors, USUAL)
            workers.begin()
            refused = device.outcome(kmodule.unload)
            workers.await_end("done")
            facts = {**workers.facts(), **totals(), "unload while it is open": refused}
        unload()
    facts["left"] = [str(path) for path in (proctracer.REPORT, SYSFS) if path.exists()]
    return facts


def switch_loopback_on() -> None:
    """Do what nobody does in such a guest; stress-ng's sockets are of the Internet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def prepare() -> None:
    """Make the guest one in which a storm can last."""
    switch_loopback_on()
    for name, value in SETTINGS.items():
        Path("/proc/sys", name).write_text(value, encoding="ascii")


if __name__ == "__main__":
    prepare()
    take((storms, limits, loads), Path(sys.argv[1]))
