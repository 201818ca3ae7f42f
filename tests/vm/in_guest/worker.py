"""A process to be monitored: it works each time it gets a line, and answers with one."""

from __future__ import annotations

import os
import sys

YIELDS = 101  # each is one call of schedule

if __name__ == "__main__":
    print(os.getpid(), flush=True)
    for _ in sys.stdin:
        for _ in range(YIELDS):
            os.sched_yield()
        print("done", flush=True)
