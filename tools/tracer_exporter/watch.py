"""The processes of all groups: found by rule, monitored with what they start, and read."""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from tracer_exporter.group import Group
from tracer_exporter.ledger import Counts, Ledger, counts_of, shrunk
from tracer_exporter.state import Growing, State
from tracer_tools.errors import DeviceError, RequestError, TracerError
from tracer_tools.module import MODULE, VALUES, is_loaded
from tracer_tools.rules import Rule
from tracer_tools.system import THIS_MACHINE, System
from tracer_tools.table import Row, snapshot

# What the kernel answers of a process that ends just now.
GONE = (errno.ESRCH, errno.EINVAL)


@dataclass(frozen=True)
class Refusal:
    """Why processes of a group are not monitored; of two for the same reason one is to be told.

    reason: an errno, or less than 0 for one process alone.
    """

    group: str
    reason: int
    text: str = field(compare=False)


def ignore(_: str) -> None:
    """Say nothing."""


@dataclass
class Watch:
    """Groups and what they have counted. Not for several threads at once.

    say: told, in a line, what an administrator should know; the same thing once.
    take_over: at first, processes that are monitored already are removed and added again, as those
        that an exporter left behind which was killed.
    """

    system: System = THIS_MACHINE
    say: Callable[[str], None] = ignore
    take_over: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    groups: dict[str, Group] = field(default_factory=dict)
    _lost: int = 0
    _missed: Growing = field(default_factory=lambda: Growing(f"{VALUES}/missed_samples"))
    _unfollowed: Growing = field(default_factory=lambda: Growing(f"{VALUES}/unfollowed"))
    _foreign: dict[int, Counts] = field(default_factory=dict)
    _refused: set[Refusal] = field(default_factory=set)
    _troubles: dict[str, str] = field(default_factory=dict)

    def use(self, rules: Iterable[Rule]) -> None:
        """Go by these rules from now on.

        A group whose rule is another one than before finds its processes anew, and keeps what it
        has counted; one that is no more is forgotten.
        """
        wanted = {rule.group: rule for rule in rules}
        for name, group in list(self.groups.items()):
            rule = wanted.get(name)
            if rule is None or rule.conditions() != group.rule.conditions():
                self._let_go(group)
            if rule is None:
                del self.groups[name]
                self.ledger.close(name)
        for name, rule in wanted.items():
            self.groups.setdefault(name, Group(rule)).rule = rule
            self.ledger.open(name)

    def descriptors(self) -> list[int]:
        """Return what becomes readable when there are records to take down."""
        return [group.tracer.fileno() for group in self.groups.values() if group.tracer]

    def add(self, found: Iterable[tuple[int, str]]) -> None:
        """Monitor processes that were found, each for a group, unless they are monitored."""
        try:
            self._check_module()
            self._take_down_all()
            refusals = [
                self._add(pid, self.groups[name])
                for pid, name in found
                if name in self.groups and pid not in self.ledger.living
            ]
        except TracerError as error:
            self._fail("add", error)
            return
        self._troubles.pop("add", None)
        self.take_over = False
        self._say({refusal for refusal in refusals if refusal is not None})

    def take_down(self) -> None:
        """Take down all records that wait."""
        try:
            self._take_down_all()
        except TracerError as error:
            self._fail("look", error)

    def look(self) -> State:
        """Read the table, take down what there is, and return it."""
        try:
            self._check_module()
            self._look()
            self._troubles.pop("look", None)
        except TracerError as error:
            self._fail("look", error)
        return self._state()

    def stop(self) -> None:
        """Monitor nothing any more, and take down how far everything came."""
        for group in self.groups.values():
            self._let_go(group)

    def _check_module(self) -> None:
        """Raise DeviceError if the module is not loaded: to open its device would load it."""
        if not is_loaded(self.system):
            raise DeviceError("the module tracer is not loaded", "run 'sudo modprobe tracer'")

    def _fail(self, what: str, error: TracerError) -> None:
        """Take note of what keeps us from something; without the module nothing is monitored."""
        if str(error) not in self._troubles.values():
            self.say(str(error))
        self._troubles[what] = str(error)
        if not is_loaded(self.system):
            self.ledger.give_up_all()
            self._foreign.clear()
            for group in self.groups.values():
                group.close()

    def _look(self) -> None:
        begun = time.monotonic_ns()
        rows = snapshot(self.system)
        read = time.monotonic_ns()
        self._take_down_all()
        self._missed.read(self.system)
        self._unfollowed.read(self.system)
        unknown = self.ledger.rows(rows, begun, read)
        foreign = {}
        for row in unknown:
            group = None if self._is_foreign(row) else self._group_of(row.pid)
            if group is None:
                foreign[row.pid] = counts_of(row)
            else:
                self.ledger.meet(row, group.name, read)
        self._foreign = foreign
        for group in self.groups.values():
            if group.tracer is not None and group.tracer.all_ended():
                group.close()  # so that the module can be unloaded

    def _is_foreign(self, row: Row) -> bool:
        """Return whether a process was known, and is no other since, to be monitored by others."""
        before = self._foreign.get(row.pid)
        return before is not None and not shrunk(before, counts_of(row))

    def _group_of(self, pid: int) -> Group | None:
        """Return the group of a process that is monitored; None if others monitor it."""
        return next((group for group in self._by_size() if group.has(pid)), None)

    def _by_size(self) -> list[Group]:
        """Return the groups, first those in which a process is most likely."""
        sizes = Counter(living.group for living in self.ledger.living.values())
        return sorted(self.groups.values(), key=lambda group: -sizes[group.name])

    def _take_down_all(self) -> None:
        for group in self.groups.values():
            self._take_down(group)

    def _take_down(self, group: Group, *, wait: bool = False) -> None:
        if group.tracer is None:
            return
        for record in group.tracer.ended(wait=wait):
            self._lost += record.lost
            self.ledger.record(record, group.name)

    def _add(self, pid: int, group: Group) -> Refusal | None:
        """Monitor a process with what it starts; return why not, if that is to be said."""
        number, why = self._ask(pid, group)
        if number == errno.EEXIST:
            own = None if pid in self._foreign else self._group_of(pid)
            if own is not None:  # a child of one of ours
                self.ledger.begin(pid, own.name, time.monotonic_ns())
                return None
            if self.take_over:
                self._take_over(pid, group)
                return None
            # One of ours may have ended since; it would not be refused for that reason again.
            number, why = self._ask(pid, group)
        if number == errno.EEXIST:
            text = f"process {pid} is monitored by another program, and not counted"
            hint = f"'tracerctl remove {pid}' ends that"
            return Refusal(group.name, -pid, f"group {group.name}: {text}: {hint}")
        if number in GONE:
            return None
        return Refusal(group.name, number, f"group {group.name}: {why}") if number else None

    def _ask(self, pid: int, group: Group) -> tuple[int, str]:
        """Have a process monitored for a group; return 0, or the errno and what it means."""
        try:
            group.opened(self.system).add(pid, tree=True)
        except RequestError as error:
            return error.errno, error.message
        self.ledger.begin(pid, group.name, time.monotonic_ns())
        return 0, ""

    def _take_over(self, pid: int, group: Group) -> None:
        """Monitor anew what an exporter that was killed has left behind."""
        tracer = group.opened(self.system)
        with suppress(RequestError):  # it has ended, or will be found again
            tracer.remove(pid)
            tracer.add(pid, tree=True)
            self.ledger.begin(pid, group.name, time.monotonic_ns())

    def _say(self, refused: set[Refusal]) -> None:
        """Say what was not refused the last time."""
        for refusal in sorted(refused - self._refused, key=lambda refusal: refusal.text):
            self.say(refusal.text)
        self._refused = refused

    def _let_go(self, group: Group) -> None:
        """Monitor the processes of a group no longer, and take down how far they came."""
        if group.tracer is None:
            return
        try:
            group.tracer.remove_all()
            self._take_down(group, wait=True)  # one may be ending
        except TracerError as error:
            self._fail("look", error)
        for pid, living in list(self.ledger.living.items()):
            if living.group == group.name:
                self.ledger.give_up(pid)
        group.close()

    def _state(self) -> State:
        ledger = self.ledger
        trouble = next(iter(self._troubles.values()), "")
        return State(
            trouble=trouble,
            totals=ledger.totals(),
            processes=ledger.processes(),
            missed=self._missed.total,
            unfollowed=self._unfollowed.total,
            lost=self._lost,
            module=None if trouble else self._module(),
            living=[(pid, one.group, one.counts) for pid, one in ledger.living.items()],
        )

    def _module(self) -> tuple[str, str] | None:
        """Return version and engine of the module; None if it is being unloaded."""
        try:
            version = self.system.read(f"{MODULE}/version").strip()
            return version, self.system.read(f"{VALUES}/engine").strip()
        except OSError:
            return None
