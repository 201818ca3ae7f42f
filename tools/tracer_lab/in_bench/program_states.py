"""Whole programs in the states of the machine: each run of each is a batch."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Callable

from . import clock
from .modules import ENGINES, NODE, tracer
from .peers.catalogue import PEERS
from .peers.tool import PeerError
from .programs import Prepare, Program
from .recording import Recorder
from .states import Setting, State

ADD_TREE = 0x4004012C
MONITORED = "-monitored"
# Emulated, it takes minutes: only in these states.
LONG = "compile"
LONG_IN = ("baseline", "-other", "-monitored")

Entered = Callable[[Setting], AbstractContextManager[Prepare]]


def program_states(states: Sequence[State]) -> dict[str, Entered]:
    """How to enter those of the states in which programs are measured, by their names.

    What counts the program itself is tracer alone: a peer follows a process, and not those that
    it starts, which do the work of these programs.
    """
    followed = {f"tracer-{engine}{MONITORED}": engine for engine in ENGINES}
    found: dict[str, Entered] = {}
    for state in states:
        if state.name in followed:
            found[state.name] = partial(_following, followed[state.name])
        elif not state.name.endswith(MONITORED):
            found[state.name] = partial(_beside, state)
    return found


@contextmanager
def _beside(state: State, setting: Setting) -> Iterator[Prepare]:
    with state.entered(setting):
        yield lambda _: None


@contextmanager
def _following(engine: str, _: Setting) -> Iterator[Prepare]:
    with tracer(engine):
        node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
        try:
            yield partial(_add_tree, node)
        finally:
            os.close(node)


def _add_tree(node: int, pid: int) -> None:
    fcntl.ioctl(node, ADD_TREE, pid)


def runs_in(program: Program, state: str) -> bool:
    """Whether a program is measured in that state."""
    peer = any(state.startswith(peer.name) for peer in PEERS)
    return program.work != LONG or (state.endswith(LONG_IN) and not peer)


def record_programs(
    states: dict[str, Entered],
    programs: Sequence[Program],
    setting: Setting,
    batches: int,
    recorder: Recorder,
) -> None:
    """Record what runs of the programs take in each of the states.

    Raises ProgramError, and what entering a state raises. A peer that cannot be had is left out:
    where calls are measured there is a line that says why.
    """
    for program in programs:
        program.run(lambda _: None)  # from now on its files are in memory
    for name, enter in states.items():
        here = [program for program in programs if runs_in(program, name)]
        if not here:
            continue
        with suppress(PeerError), enter(setting) as prepare:
            clock.await_quiet(setting.worker)
            for program in here:
                runs = min(batches, program.batches)
                values = [program.run(prepare) for _ in range(runs)]
                recorder.figure(program.work, name, values, program.unit)
