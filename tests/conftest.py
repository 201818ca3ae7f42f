"""What tests of all kinds share."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

TREE = Path(__file__).resolve().parents[1]

# A shell starts what it puts in the background with the first two ignored, nohup with the third.
# A program hands that on, and no shell may catch what it was given as ignored: tests of signals
# must not depend on it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def imported() -> Callable[[str], ModuleType]:
    """A function that imports a file of the tree, named from its top, which is in no package."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"imported_{Path(name).stem}", TREE / name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
