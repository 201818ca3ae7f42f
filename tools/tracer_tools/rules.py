"""Rules in /etc/tracer/monitor.d: which processes are monitored, and as which group.

A file is TOML, each of its tables a group, named as the table is::

    [web]
    unit = "nginx.service"

    [build]
    command = "make"
    user = "ci"

What a table says has to hold altogether. Every value but that of `user` is a pattern of the shell.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tracer_tools.errors import TracerError
from tracer_tools.system import THIS_MACHINE, System

if sys.version_info >= (3, 11):
    import tomllib

FOLDER = "/etc/tracer/monitor.d"
SUFFIX = ".toml"
KEYS = ("unit", "cgroup", "command", "user")
LONGEST_COMMAND = 15
GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:-]{0,63}")
SYNTAX = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>[0-9]+), .*|end of document)\)")
BARE_OR_QUOTED = r"""["']?(?P<name>[^"'\]=]*?)["']?"""
TABLE = re.compile(rf"\s*\[\s*{BARE_OR_QUOTED}\s*\]")
ASSIGNED = re.compile(rf"\s*{BARE_OR_QUOTED}\s*[.=]")


@dataclass(frozen=True)
class Rule:
    """One group: what a process has to be, to be of it; None: that does not matter."""

    group: str
    file: str
    line: int
    unit: str | None = None
    cgroup: str | None = None
    command: str | None = None
    user: str | None = None

    def conditions(self) -> dict[str, str]:
        """Return what the rule asks for, by the names of its keys."""
        values = {key: getattr(self, key) for key in KEYS}
        return {key: value for key, value in values.items() if value is not None}

    def __str__(self) -> str:
        return ", ".join(f'{key} = "{value}"' for key, value in self.conditions().items())


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, in which line, and what to do."""

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        return f"{self.file}: " + (f"line {self.line}: " if self.line else "") + self.what


@dataclass(frozen=True)
class RuleFile:
    """What a file says. One with a problem has no rules: half of it may be none of it."""

    name: str
    rules: tuple[Rule, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass
class RuleBook:
    """The rules of all files, in the order in which they are asked: of two the first one counts."""

    files: dict[str, RuleFile] = field(default_factory=dict)

    @property
    def rules(self) -> list[Rule]:
        """The rules of all files that are in order."""
        return [rule for file in self.files.values() for rule in file.rules]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the others."""
        return [problem for file in self.files.values() for problem in file.problems]


def rule_files(system: System = THIS_MACHINE, folder: str = FOLDER) -> list[str]:
    """Return the names of the files with rules, in their order. Raises TracerError."""
    try:
        names = system.names(folder)
    except OSError as error:
        raise TracerError(f"{folder} cannot be read: {error.strerror}") from error
    return [f"{folder}/{name}" for name in sorted(names) if is_rule_file(name)]


def is_rule_file(name: str) -> bool:
    """Return whether a name is that of a file with rules: editors leave hidden ones behind."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def read_rules(names: Iterable[str], system: System = THIS_MACHINE) -> RuleBook:
    """Return what files say. A group that two of them have is a problem of the second.

    Raises TracerError if this Python cannot read TOML.
    """
    book = RuleBook()
    for name in names:
        try:
            file = parse_rules(system.read(name), name)
        except OSError as error:
            problem = Problem(name, None, f"it cannot be read: {error.strerror}")
            file = RuleFile(name, problems=(problem,))
        book.files[name] = without_repetition(file, book.rules)
    return book


def without_repetition(file: RuleFile, others: Iterable[Rule]) -> RuleFile:
    """Return a file, but with a problem in place of its rules if others have one of its groups."""
    taken = {rule.group: rule for rule in others}
    problems = tuple(
        Problem(
            rule.file,
            rule.line,
            f"group {rule.group!r} is in {taken[rule.group].file}, line {taken[rule.group].line}, "
            "already: give it another name",
        )
        for rule in file.rules
        if rule.group in taken
    )
    return RuleFile(file.name, problems=problems) if problems else file


def parse_rules(text: str, name: str) -> RuleFile:
    """Return what the text of the file `name` says. Raises TracerError: see `read_rules`."""
    try:
        tables = read_toml(text)
    except ValueError as error:
        return RuleFile(name, problems=(syntax_problem(str(error), text, name),))
    where = Lines(text)
    rules, problems = [], []
    for group, table in tables.items():
        found = [
            Problem(name, where.of(group, key), what) for key, what in objections(group, table)
        ]
        problems.extend(found)
        if not found:
            rules.append(Rule(group, name, where.of(group), **table))
    return RuleFile(name, problems=tuple(problems)) if problems else RuleFile(name, tuple(rules))


def read_toml(text: str) -> dict[str, Any]:
    """Return what a text says. Raises ValueError, and TracerError: see `read_rules`."""
    if sys.version_info >= (3, 11):
        return tomllib.loads(text)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise TracerError(f"rules need Python 3.11 or newer; this is {version}")


def syntax_problem(message: str, text: str, name: str) -> Problem:
    """Return what tomllib found; it says the line at the end of its message."""
    found = SYNTAX.fullmatch(message)
    if found is None:
        return Problem(name, None, message)
    last = max(len(text.splitlines()), 1)
    return Problem(name, int(found["line"] or last), f"{found['what'].lower()}: not TOML")


def objections(group: str, table: Any) -> Iterator[tuple[str | None, str]]:  # noqa: ANN401
    """Yield what is wrong with a table, as tomllib read it, and at which of its keys."""
    if not isinstance(table, Mapping):
        example = f'write [NAME] above it, and below it {group} = "..."'
        yield None, f"{group!r} is in no group: {example}"
        return
    if not GROUP.fullmatch(group):
        yield None, f"{group!r} is no name of a group: take up to 64 of A-Z a-z 0-9 . _ @ : -"
    if not table:
        yield None, f"group {group!r} says nothing: give one of {', '.join(KEYS)}"
    for key, value in table.items():
        what = objection(key, value)
        if what:
            yield key, what


def objection(key: str, value: Any) -> str:  # noqa: ANN401
    """Return what is wrong with a key and its value; nothing if they are right."""
    if key not in KEYS:
        return f"unknown key {key!r}: it is one of {', '.join(KEYS)}"
    if not isinstance(value, str) or not value or not value.isprintable():
        return f'{key} is no text: write {key} = "..."'
    if key == "unit" and ("/" in value or "." not in value):
        return f"{value!r} is no unit: write its whole name, as in nginx.service"
    if key == "cgroup" and not (value.startswith("/") and value.strip("/")):
        return f"{value!r} is no path of a cgroup: it begins with /, as in /system.slice"
    if key == "command" and len(value.encode()) > LONGEST_COMMAND and not set("*?[") & set(value):
        kept = value.encode()[:LONGEST_COMMAND].decode(errors="ignore")
        return f"the kernel keeps 15 bytes of a command name: write command = {kept!r}"
    return ""


class Lines:
    """In which line of a text each group and key stands; tomllib does not tell."""

    def __init__(self, text: str) -> None:
        self._of_group: dict[str, int] = {}
        self._of_key: dict[tuple[str, str], int] = {}
        group = ""
        for number, line in enumerate(text.splitlines(), start=1):
            table, assigned = TABLE.match(line), ASSIGNED.match(line)
            if table:
                group = table["name"]
                self._of_group.setdefault(group, number)
            elif assigned:
                self._of_key.setdefault((group, assigned["name"]), number)

    def of(self, group: str, key: str | None = None) -> int:
        """Return the line of a key of a group, or of the group; 1 if it is written otherwise."""
        # What stands above all tables is a key of no group, as "group.key = ..." is.
        own = self._of_group.get(group) or self._of_key.get(("", group)) or 1
        return own if key is None else self._of_key.get((group, key), own)
