"""Having a function of the kernel refuse what tracer asks of it: workload/tracer_refusal.c."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kmodule

NAME = "tracer_refusal"
PARAMETERS = Path("/sys/module", NAME, "parameters")
FOR_EVER = 1_000_000


class Refusal:
    """A function that refuses when it is told to."""

    @staticmethod
    def tell(symbol: str, error: int = errno.EINVAL, times: int = FOR_EVER) -> None:
        """Have it refuse so many times what it is asked for this symbol."""
        for name, value in (("times", 0), ("symbol", symbol), ("error", error), ("times", times)):
            (PARAMETERS / name).write_text(str(value), encoding="ascii")

    @staticmethod
    def rest() -> None:
        """Have it refuse nothing more."""
        (PARAMETERS / "times").write_text("0", encoding="ascii")

    @staticmethod
    def left() -> int:
        """Give how many times it would still refuse."""
        return int((PARAMETERS / "times").read_text(encoding="ascii"))


@contextmanager
def by(function: str) -> Iterator[Refusal]:
    """Give the refusal of that function of the kernel, for as long as the block."""
    kmodule.load_file(kmodule.BUILT / f"{NAME}.ko", f"function={function}")
    try:
        yield Refusal()
    finally:
        kmodule.unload(NAME)
