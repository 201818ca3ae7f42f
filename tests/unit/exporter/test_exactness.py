"""Whatever happens in whatever order: totals never shrink, and count each process once."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.exporter.module import Module, Process

from tracer_exporter import ledger
from tracer_exporter.watch import Watch
from tracer_tools.device import ADD_TREE
from tracer_tools.rules import Rule

Action = tuple[str, int, int]
PIDS = st.integers(1, 6)  # few, so that numbers come again
DEEDS = ("spawn", "fork", "count", "unlink", "queue", "exit")
HARM = ("lose", "remove", "foreign")
GROUPS = ("a", "b")


def actions(names: Sequence[str]) -> st.SearchStrategy[list[Action]]:
    return st.lists(st.tuples(st.sampled_from(names), PIDS, PIDS), max_size=6)


def rounds(names: Sequence[str]) -> st.SearchStrategy[list[tuple[list[Action], ...]]]:
    """What happens before rules look, then, while the table is read, and after that."""
    return st.lists(st.tuples(*[actions(names)] * 4), max_size=12)


class Story:
    """A module and a watch, and what really happened."""

    def __init__(self, folder: Path) -> None:
        self.module = Module(folder)
        self.watch = Watch(self.module)
        self.watch.use([Rule(name, "f.toml", 1, user=name) for name in GROUPS])
        self.ever: list[tuple[str, Process]] = []
        self.module.when_added = self.added
        self.before = dict.fromkeys(GROUPS, 0)

    def added(self, descriptor: int, process: Process) -> None:
        for name, group in self.watch.groups.items():
            if group.tracer is not None and group.tracer.fileno() == descriptor:
                self.ever.append((name, process))

    def group_of(self, process: Process) -> str | None:
        for name, one in self.ever:
            if one is process:
                return name
        return None

    def do(self, deeds: list[Action]) -> None:
        for deed, pid, other in deeds:
            self.do_one(deed, pid, other)

    def do_one(self, deed: str, pid: int, other: int) -> None:
        module = self.module
        runs = pid in module.processes and pid not in module.ending
        if deed == "spawn" and pid not in module.processes:
            module.spawn(pid)
        elif deed == "fork" and runs and other not in module.processes:
            above = module.rows.get(pid)
            module.fork(pid, other)
            name = None if above is None else self.group_of(above)
            if name is not None:
                self.ever.append((name, module.processes[other]))
        elif deed == "count":
            module.count(pid, other)
        elif deed == "unlink" and runs:
            module.unlink(pid)
        elif deed == "queue" and pid in module.ending:
            module.queue(pid)
        elif deed in {"exit", "lose"} and runs:
            module.exit(pid, lose=deed == "lose")
        elif deed == "remove" and runs:
            module.remove(pid)
        elif deed == "foreign" and runs and pid not in module.rows:
            descriptor = module.another_program()
            module.ioctl(descriptor, ADD_TREE, pid)

    def play(self, happens: list[tuple[list[Action], ...]]) -> None:
        for first, second, during, last in happens:
            self.do(first)
            found = [(pid, GROUPS[pid % 2]) for pid in self.module.processes]
            self.do(second)
            self.watch.add(found)
            self.module.before_table = [partial(self.do, second)]
            self.module.after_table = [partial(self.do, during)]
            self.look()
            self.do(last)
            self.watch.take_down()
        self.module.before_table = self.module.after_table = []

    def look(self) -> dict[str, int]:
        """What each group has counted, in steps; it never shrinks."""
        totals = self.watch.look().totals
        steps = {name: counts[0] // 2 for name, counts in totals.items()}
        assert all(steps[name] >= self.before[name] for name in GROUPS)
        self.before = steps
        return steps

    def truth(self) -> dict[str, int]:
        return {name: sum(one.steps for at, one in self.ever if at == name) for name in GROUPS}

    def finish(self) -> None:
        for pid in list(self.module.ending):
            self.module.queue(pid)
        self.look()


@settings(max_examples=100)
@given(rounds(DEEDS))
def test_totals_never_shrink_and_are_exact(happens: list[tuple[list[Action], ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder))
        story.play(happens)
        story.finish()
        assert story.look() == story.truth()
        story.watch.stop()
        assert story.look() == story.truth()


@settings(max_examples=100)
@given(rounds((*DEEDS, *HARM)), st.sampled_from([0, 10**12]))
def test_with_lost_records_and_others_that_meddle_totals_never_shrink(
    happens: list[tuple[list[Action], ...]], patience: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(ledger, "GIVEN_UP_AFTER_NS", patience)
        story = Story(Path(folder))
        story.play(happens)
        story.finish()
        story.watch.stop()
        story.look()
