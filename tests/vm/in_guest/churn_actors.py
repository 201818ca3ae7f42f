"""Processes that each do one thing of a storm until they are told to stop, and tell how often."""

from __future__ import annotations

import collections
import fcntl
import os
import random
import select
import subprocess
import time
import typing
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Callable

import device
import processes
import proctracer
import records
import waiting
from processes import Child, Link

RATE = 500  # pairs of ADD and REMOVE a second that one actor makes at most
IDLE = 16  # processes of its own that it adds
# Nice values. There is one processor's time for all: these must come to it, too.
ADDING, GROWING = -4, -12
SIZES = (1, 2, 3, 13, 61, 97, 1024, 4095, 4096)  # bytes of a read, beside random ones
KNOCKS = 50  # a second, where the module is loaded and unloaded meanwhile
FORKS_AND_EXECS = "read -r _; while :; do /bin/true; (:); (/bin/true &); done"
STRESSED_FORKS = "read -r _; cd /tmp; exec stress-ng --fork 1 --timeout 0 --quiet"

Tally = typing.Counter[str]
Act = Callable[[Link], Tally]


def told_to_stop(link: Link, seconds: float = 0.0) -> bool:
    """Say whether the storm is over; wait so long for that."""
    return bool(select.select([link.incoming], [], [], seconds)[0])


def add_and_remove(
    others: Sequence[int], expected: frozenset[str], least: int, link: Link
) -> Tally:
    """Add and remove processes, RATE times a second if it can be, and at least so many."""
    os.setpriority(os.PRIO_PROCESS, 0, ADDING)
    tally: Tally = collections.Counter()
    own = [processes.fork_idle() for _ in range(IDLE)]
    pids = [*own, *others]
    with device.opened() as fd:
        link.send("begun")
        while not told_to_stop(link) or tally["add OK"] < least:
            next_turn = time.monotonic() + len(pids) / RATE
            for what, number in (("add", device.ADD_PROCESS), ("remove", device.REMOVE_PROCESS)):
                for pid in pids:
                    answer = device.outcome(fcntl.ioctl, fd, number, pid)
                    assert answer in expected, f"{what}: {answer}"
                    tally[f"{what} {answer}"] += 1
            told_to_stop(link, max(0.0, next_turn - time.monotonic()))
    processes.end(own)
    return tally


def add_the_ending(expected: frozenset[str], link: Link) -> Tally:
    """Add processes that end at the same time, each through a file of its own."""
    tally: Tally = collections.Counter()
    link.send("begun")
    while not told_to_stop(link, 1 / KNOCKS):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        answer = device.outcome(device.add, pid)
        assert answer in expected, f"add: {answer}"
        tally[f"add {answer}"] += 1
        os.waitpid(pid, 0)
    return tally


def knock(expected: frozenset[str], link: Link) -> Tally:
    """Add and remove a process, through a file each time, whether there is a module or not."""
    tally: Tally = collections.Counter()
    own = processes.fork_idle()
    link.send("begun")
    while not told_to_stop(link, 1 / KNOCKS):
        for what, act in (("add", device.add), ("remove", device.remove)):
            answer = device.outcome(act, own)
            assert answer in expected, f"{what}: {answer}"
            tally[f"{what} {answer}"] += 1
    processes.end([own])
    return tally


def read_in_pieces(stay: frozenset[int], link: Link, *, may_fail: bool = False) -> Tally:
    """Read the table, each time in pieces of another size; who stays must always be there."""
    tally: Tally = collections.Counter()
    chance = random.Random(os.getpid())
    link.send("begun")
    while not told_to_stop(link):
        size = chance.choice([*SIZES, chance.randint(1, 4096)])
        try:
            pieces = list(proctracer.pieces(size))
        except OSError:
            if not may_fail:
                raise
            tally["tables that went away"] += 1
            continue
        seen = list(proctracer.parse(b"".join(pieces).decode("ascii")))
        assert seen == sorted(seen), f"out of order in pieces of {size}: {seen}"
        assert stay <= set(seen), f"lost in pieces of {size}: {sorted(stay - set(seen))}"
        tally["tables"] += 1
        tally["reads"] += len(pieces) + 1
    return tally


def grow_trees(expected: frozenset[str], link: Link) -> Tally:
    """Follow programs that fork, exec and exit; read all records; then remove all at once."""
    os.setpriority(os.PRIO_PROCESS, 0, GROWING)
    tally: Tally = collections.Counter()
    with device.opened(os.O_RDWR | os.O_NONBLOCK) as fd, _held_programs() as programs:
        pids = [program.pid for program in programs]
        add_trees(fd, pids, expected)
        for program in programs:
            assert program.stdin is not None
            program.stdin.write(b"\n")
            program.stdin.flush()
        link.send("begun")
        while not told_to_stop(link):
            if "HUP" in records.events(fd):
                add_trees(fd, pids, expected)
                told_to_stop(link, 1 / KNOCKS)
            elif fd in select.select([fd, link.incoming], [], [])[0]:
                _take_records(fd, tally)
        records.remove_all(fd)

        def is_drained() -> bool:
            _take_records(fd, tally)
            return "HUP" in records.events(fd)

        waiting.until(is_drained, "all that was followed has left its record")
    return tally


@contextmanager
def _held_programs() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Give shells that wait for a line before they work; they are ended afterwards."""
    programs = []
    try:
        for script in (FORKS_AND_EXECS, STRESSED_FORKS):
            words = ["sh", "-c", script]
            programs.append(
                subprocess.Popen(
                    words,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        yield programs
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.communicate()


def add_trees(fd: int, pids: Sequence[int], expected: frozenset[str]) -> None:
    """Add those that are not monitored; the table may be full of others."""
    for pid in pids:
        if not records.has(fd, pid):
            answer = device.outcome(fcntl.ioctl, fd, device.ADD_TREE, pid)
            assert answer in expected, f"add tree: {answer}"


def _take_records(fd: int, tally: Tally) -> None:
    try:
        found = records.read(fd)
    except BlockingIOError:
        return
    for record in found:
        tally["records"] += 1
        tally["of programs begun by exec"] += record.comm == "true"
        tally["records lost"] += record.lost
        tally["processes not followed"] += record.unfollowed


@contextmanager
def acting(cast: Sequence[Act], tally: Tally) -> Iterator[None]:
    """Have all of a cast act until the end of the block; then add up what they tell."""
    with ExitStack() as stack:
        children = [stack.enter_context(Child(act)) for act in cast]
        for child in children:
            begun = child.said()
            assert begun == "begun", begun
        yield
        for child in children:
            child.tell()
        for child in children:
            tally.update(child.said())
            child.reap()
