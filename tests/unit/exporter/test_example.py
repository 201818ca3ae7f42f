"""The example among the rules: it does nothing, and is right where its comments are taken away."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tracer_tools.rules import parse_rules

EXAMPLE = Path(__file__).resolve().parents[3] / "monitoring" / "monitor.d" / "example.toml"
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python has no tomllib")


def test_it_monitors_nothing() -> None:
    file = parse_rules(EXAMPLE.read_text(), "example.toml")
    assert (file.rules, file.problems) == ((), ())


def test_what_it_shows_is_in_order() -> None:
    text = re.sub(r"^#(?=\S)", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    file = parse_rules(text, "example.toml")
    assert file.problems == ()
    assert [rule.group for rule in file.rules] == ["web", "build", "users"]
