"""What tests of all kinds share."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest
from hypothesis import HealthCheck, settings

TREE = Path(__file__).resolve().parents[1]

# A shell starts what it puts in the background with the first two ignored, nohup with the third.
# A program hands that on, and no shell may catch what it was given as ignored: tests of signals
# must not depend on it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Every run tries the same examples, and none fails for the time that they take.
settings.register_profile(
    "tracer",
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tracer")


@pytest.fixture(scope="session")
def imported() -> Callable[[str], ModuleType]:
    """A function that imports a file of the tree, named from its top, which is in no package."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"imported_{Path(name).stem}", TREE / name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look for it
        spec.loader.exec_module(module)
        return module

    return load
