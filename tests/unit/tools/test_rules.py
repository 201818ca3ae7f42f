"""What files with rules say, and what is wrong with them: in which line."""

from __future__ import annotations

import sys

import pytest
from tests.unit.tools.conftest import Machine

from tracer_tools import TracerError, rules
from tracer_tools.rules import Rule, parse_rules, read_rules, rule_files

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python has no tomllib")


def complaints(text: str) -> list[str]:
    """What is wrong with a file."""
    file = parse_rules(text, "f.toml")
    assert not (file.rules and file.problems)
    return [str(problem) for problem in file.problems]


@needs_toml
def test_each_table_is_a_group() -> None:
    text = '# ours\n[web]\nunit = "nginx.service"\n\n[build.x]\n'.replace(".x", "")
    text += 'command = "make"\nuser = "ci"\ncgroup = "/user.slice"\n'
    assert parse_rules(text, "f.toml").rules == (
        Rule("web", "f.toml", 2, unit="nginx.service"),
        Rule("build", "f.toml", 5, command="make", user="ci", cgroup="/user.slice"),
    )


@needs_toml
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[web\n", 1, "not TOML"),
        ('[web]\nunit = "a.service"\nunit = "b.service"\n', 3, "not TOML"),
        ('[web]\nunit = "a.service', 2, "not TOML"),
        ('[web]\nunit = "a.service"\n[web]\n', 3, "not TOML"),
        ("[web]\n\ncomand = 'x'\n", 3, "unknown key 'comand': it is one of unit, cgroup, command"),
        ("[web]\nuser = 33\n", 2, 'user is no text: write user = "..."'),
        ('[web]\nuser = ""\n', 2, "user is no text"),
        ('[web]\nuser = "a\\nb"\n', 2, "user is no text"),
        ("[web]\nunit = ['a.service']\n", 2, "unit is no text"),
        ('[web]\nuser="u"\nunit = "nginx"\n', 3, "'nginx' is no unit: write its whole name"),
        ('[web]\nunit = "/a.service"\n', 2, "is no unit"),
        ('[web]\ncgroup = "system.slice"\n', 2, "is no path of a cgroup: it begins with /"),
        ('[web]\ncgroup = "/"\n', 2, "is no path of a cgroup"),
        ('[web]\ncommand = "0123456789abcdef"\n', 2, "write command = '0123456789abcde'"),
        ("[a]\nuser='a'\n\n[b]\n", 4, "group 'b' says nothing: give one of unit, cgroup"),
        ("\n['a b']\nuser='a'\n", 2, "'a b' is no name of a group"),
        ('unit = "a.service"\n', 1, "'unit' is in no group: write [NAME] above it"),
        ("a.user = 'x'\nb.user = 3\n", 2, "user is no text"),
        ("[web.unit]\nx = 'a.service'\n", 1, "unit is no text"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, line: int, words: str) -> None:
    (said,) = complaints(text)
    assert said.startswith(f"f.toml: line {line}: ")
    assert words in said


@needs_toml
def test_every_fault_is_named() -> None:
    said = complaints("[a]\nuser = 3\nunit = 'x'\n[b]\n")
    assert [words.split(": ")[1] for words in said] == ["line 2", "line 3", "line 4"]


@needs_toml
def test_a_pattern_may_be_longer_than_a_command_name() -> None:
    assert complaints('[web]\ncommand = "[abcdefgh]*[abcdefgh]"\n') == []


@needs_toml
def test_a_file_with_a_fault_counts_for_nothing_and_the_others_do(machine: Machine) -> None:
    machine.write("/r/a.toml", '[a]\nuser = "a"\n[b]\nuser = 3\n')
    machine.write("/r/b.toml", '[c]\nuser = "c"\n')
    book = read_rules(["/r/a.toml", "/r/b.toml", "/r/c.toml"], machine)
    assert [rule.group for rule in book.rules] == ["c"]
    first, second = map(str, book.problems)
    assert first.startswith("/r/a.toml: line 4: ")
    assert second == "/r/c.toml: it cannot be read: No such file or directory"


@needs_toml
def test_a_group_of_two_files_is_a_fault_of_the_second(machine: Machine) -> None:
    machine.write("/r/a.toml", '[a]\nuser = "a"\n')
    machine.write("/r/b.toml", '[b]\nuser = "b"\n[a]\nuser = "c"\n')
    book = read_rules(["/r/a.toml", "/r/b.toml"], machine)
    assert [rule.user for rule in book.rules] == ["a"]
    assert list(map(str, book.problems)) == [
        "/r/b.toml: line 3: group 'a' is in /r/a.toml, line 1, already: give it another name"
    ]


def test_rules_are_the_toml_files_of_the_folder_in_order(machine: Machine) -> None:
    for name in ("b.toml", "a.toml", ".c.toml.swp", ".d.toml", "e.toml~", "README"):
        machine.write(f"/etc/tracer/monitor.d/{name}", "")
    folder = "/etc/tracer/monitor.d"
    assert rule_files(machine) == [f"{folder}/a.toml", f"{folder}/b.toml"]


def test_a_missing_folder_is_one_line(machine: Machine) -> None:
    with pytest.raises(TracerError) as caught:
        rule_files(machine)
    assert str(caught.value) == ("/etc/tracer/monitor.d cannot be read: No such file or directory")


def test_without_tomllib_one_line_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules.sys, "version_info", (3, 9, 2))  # type: ignore[attr-defined]
    with pytest.raises(TracerError) as caught:
        parse_rules("", "f.toml")
    assert str(caught.value) == "rules need Python 3.11 or newer; this is 3.9"
