"""docs/security.md: every test that it names exists, and no line of a table goes without."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
DOCUMENT = (TREE / "docs" / "security.md").read_text()
IN_GUEST = re.compile(r"(test_\w+)\.(\w+)\.(test_\w+)")
IN_PYTEST = re.compile(r"((?:unit|vm)/(?:\w+/)*test_\w+\.py)::(test_\w+)")
NAMED = sorted(word for word in set(re.findall(r"`([^`\n]+)`", DOCUMENT)) if "test_" in word)


@functools.cache
def parsed(path: Path) -> list[ast.stmt]:
    """The statements of a file."""
    return ast.parse(path.read_text()).body


def functions(body: list[ast.stmt]) -> set[str]:
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def methods(path: Path, name: str) -> set[str]:
    """What a class of a file defines by itself."""
    bodies = [
        node.body for node in parsed(path) if isinstance(node, ast.ClassDef) and node.name == name
    ]
    return functions(bodies[0]) if bodies else set()


def exists(test: str) -> bool:
    guest, pytests = IN_GUEST.fullmatch(test), IN_PYTEST.fullmatch(test)
    if guest:
        module, name, method = guest.groups()
        path = TREE / "tests" / "guest" / f"{module}.py"
        return path.is_file() and method in methods(path, name)
    if pytests:
        path = TREE / "tests" / pytests[1]
        return path.is_file() and pytests[2] in functions(parsed(path))
    return False


def lines_of_tables() -> list[str]:
    """The lines of all tables, without their heads."""
    lines = [line for line in DOCUMENT.splitlines() if line.startswith("|")]
    return [line for line in lines if "shown by |" not in line and not line.startswith("|---")]


def test_the_document_names_tests() -> None:
    assert any(IN_GUEST.fullmatch(test) for test in NAMED)
    assert any(IN_PYTEST.fullmatch(test) for test in NAMED)


@pytest.mark.parametrize("test", NAMED)
def test_a_test_that_is_named_exists(test: str) -> None:
    assert exists(test)


@pytest.mark.parametrize(
    "test",
    [
        "test_permissions.Users.test_that_nobody_wrote",
        "test_permissions.Nobody.test_a_process_of_root_is_refused",
        "test_nothing.Users.test_a_process_of_root_is_refused",
        "test_permissions.test_a_process_of_root_is_refused",
        "vm/test_signing.py::test_that_nobody_wrote",
        "vm/test_nothing.py::test_that_nobody_wrote",
    ],
)
def test_a_test_that_there_is_not_is_found_out(test: str) -> None:
    assert not exists(test)


@pytest.mark.parametrize("line", lines_of_tables())
def test_each_line_of_a_table_ends_with_tests_alone(line: str) -> None:
    last = line.rstrip("| ").rpartition(" | ")[2]
    assert all(word.strip("`") in NAMED for word in last.split(", ")), last
