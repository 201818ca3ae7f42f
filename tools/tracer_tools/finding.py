"""The processes that rules name, as they are now.

A rule with `unit` or `cgroup` has the processes of these cgroups and of those below them. One with
`command` or `user` has, of these or of all, who is such a process and who descends from one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tracer_tools.processes import Identity, identity
from tracer_tools.rules import Rule
from tracer_tools.system import THIS_MACHINE, System

CGROUPS = "/sys/fs/cgroup"
VERSION_2 = f"{CGROUPS}/cgroup.controllers"


@dataclass(frozen=True)
class Found:
    """Which processes are of which group, and what stands in the way of finding more.

    groups: the group of each process, by its PID.
    notes: sentences by the group that they are about.
    """

    groups: Mapping[int, str]
    notes: Mapping[str, str]


def find(rules: Sequence[Rule], system: System = THIS_MACHINE) -> Found:
    """Return the processes that rules name now; of two rules that name one, the first has it."""
    groups: dict[int, str] = {}
    notes: dict[str, str] = {}
    by_cgroup = in_cgroups(rules, system)
    everybody: list[int] | None = None
    known: dict[int, Identity | None] = {}
    for rule in rules:
        obstacle = obstacle_to(rule, system)
        if obstacle:
            notes[rule.group] = obstacle
            continue
        candidates: Iterable[int]
        if rule.unit is not None or rule.cgroup is not None:
            candidates = by_cgroup.get(rule.group, ())
        else:
            everybody = all_pids(system) if everybody is None else everybody
            candidates = everybody
        if rule.command is not None or rule.user is not None:
            for pid in candidates:
                if pid not in known:
                    known[pid] = identity(pid, system)
            candidates = with_descendants(rule, candidates, known, system)
        for pid in candidates:
            groups.setdefault(pid, rule.group)
    return Found(groups, notes)


def obstacle_to(rule: Rule, system: System) -> str:
    """Return why a rule cannot match anything on this machine; nothing if it can."""
    if rule.user is not None and user_of(rule, system) is None:
        return f"there is no user {rule.user!r} on this machine"
    if rule.unit is not None or rule.cgroup is not None:
        try:
            system.read(VERSION_2)
        except OSError:
            return f"unit and cgroup need version 2 of cgroups, but there is no {VERSION_2}"
    return ""


def user_of(rule: Rule, system: System) -> int | None:
    """Return the id of a rule's user, who is given by name or number; None if there is none."""
    if rule.user is None:
        return None
    number = system.user_id(rule.user)
    if number is None and rule.user.isascii() and rule.user.isdigit():
        return int(rule.user)
    return number


def all_pids(system: System) -> list[int]:
    """Return the PIDs of all processes that are to be seen."""
    return [int(name) for name in system.names("/proc") if name.isdigit()]


def in_cgroups(rules: Sequence[Rule], system: System) -> dict[str, list[int]]:
    """Return the processes of the cgroups that rules name, by the group of the rule."""
    wanting = [rule for rule in rules if rule.unit is not None or rule.cgroup is not None]
    found: dict[str, list[int]] = {}
    if not wanting:
        return found
    for folder in system.folders(CGROUPS):
        path = folder[len(CGROUPS) :]
        chosen = [rule for rule in wanting if is_within(rule, path)]
        members = pids_of_cgroup(folder, system) if chosen else []
        for rule in chosen:
            found.setdefault(rule.group, []).extend(members)
    return found


def is_within(rule: Rule, path: str) -> bool:
    """Return whether a cgroup, or one that it is in, is that of a rule."""
    parts = path.split("/")[1:]
    if rule.unit is not None and not any(fnmatchcase(part, rule.unit) for part in parts):
        return False
    if rule.cgroup is None:
        return bool(parts)
    depth = rule.cgroup.strip("/").count("/") + 1
    own = "/" + "/".join(parts[:depth])
    return len(parts) >= depth and fnmatchcase(own, "/" + rule.cgroup.strip("/"))


def pids_of_cgroup(folder: str, system: System) -> list[int]:
    """Return the processes of one cgroup; none if it has gone, or has threads alone."""
    with suppress(OSError):
        # 0 is a process of another PID namespace.
        return [int(word) for word in system.read(f"{folder}/cgroup.procs").split() if word != "0"]
    return []


def with_descendants(
    rule: Rule, candidates: Iterable[int], known: Mapping[int, Identity | None], system: System
) -> list[int]:
    """Return those of the candidates that are what a rule wants, or descend from one that is."""
    user = user_of(rule, system)
    children: dict[int, list[int]] = {}
    chosen = []
    for pid in candidates:
        who = known[pid]
        if who is None:
            continue
        children.setdefault(who.parent, []).append(pid)
        named = rule.command is None or fnmatchcase(who.command, rule.command)
        if named and (user is None or who.uid == user):
            chosen.append(pid)
    reached = set(chosen)
    for pid in chosen:  # which grows meanwhile
        new = [child for child in children.get(pid, ()) if child not in reached]
        reached.update(new)
        chosen.extend(new)
    return chosen
