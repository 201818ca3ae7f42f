"""What the tests of the exporter share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.exporter.module import Module


@pytest.fixture
def module(tmp_path: Path) -> Module:
    """A machine with a module that has nothing to do."""
    return Module(tmp_path)
