"""What the rules match now, and what is wrong with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tracer_tools.cli import complain
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.report import several
from tracer_tools.finding import find
from tracer_tools.listing import SCHEMA, UNKNOWN
from tracer_tools.processes import command_name
from tracer_tools.rules import Rule, RuleBook, read_rules, rule_files
from tracer_tools.system import THIS_MACHINE, System


@dataclass(frozen=True)
class Matched:
    """A rule, the processes that it has now with their commands, and why it can have none."""

    rule: Rule
    processes: Sequence[tuple[int, str]]
    note: str

    def lines(self) -> list[str]:
        """Return it for people, the rule first and a line a process."""
        number = several(len(self.processes), "process", "es")
        where = f"{self.rule.file}: line {self.rule.line}"
        first = f"{self.rule.group}: {number}: {self.rule} ({where})"
        notes = [f"    {self.note}"] if self.note else []
        return [first, *notes, *(f"{pid:>9}  {command}" for pid, command in self.processes)]

    def document(self) -> dict[str, object]:
        """Return it for programs."""
        return {
            "group": self.rule.group,
            "file": self.rule.file,
            "line": self.rule.line,
            "rule": self.rule.conditions(),
            "note": self.note or None,
            "processes": [{"PID": pid, "command": command} for pid, command in self.processes],
        }


def matched(book: RuleBook, system: System) -> list[Matched]:
    """Return the rules of a book, in their order, with what they match now."""
    rules = book.rules
    found = find(rules, system)
    members: dict[str, list[tuple[int, str]]] = {rule.group: [] for rule in rules}
    for pid in sorted(found.groups):
        command = command_name(pid, system) or UNKNOWN
        members[found.groups[pid]].append((pid, command))
    return [Matched(rule, members[rule.group], found.notes.get(rule.group, "")) for rule in rules]


def check_rules(
    files: Sequence[str], *, as_json: bool = False, system: System = THIS_MACHINE
) -> int:
    """Print what rules match and what is wrong with them; return the exit status.

    `files` are asked in their order; none stands for those of the folder. Raises TracerError.
    """
    book = read_rules(files or rule_files(system), system)
    rules = matched(book, system)
    if as_json:
        problems = [
            {"file": each.file, "line": each.line, "problem": each.what} for each in book.problems
        ]
        document = {
            "schema": SCHEMA,
            "rules": [each.document() for each in rules],
            "problems": problems,
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        for each in rules:
            sys.stdout.write("\n".join(each.lines()) + "\n")
        if not rules and not book.problems:
            sys.stdout.write("There are no rules.\n")
    for problem in book.problems:
        complain(NAME, str(problem))
    return 1 if book.problems else 0
