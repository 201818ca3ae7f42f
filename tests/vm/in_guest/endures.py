"""A command that takes a signal and ends with status 9.

usage: endures.py SIGNAL FILE
FILE is made when the signal may come.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    awaited = {signal.Signals[sys.argv[1]]}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    Path(sys.argv[2]).touch()
    print(f"got {signal.Signals(signal.sigwait(awaited)).name}", flush=True)
    sys.exit(9)
