"""A process to be watched: it works without end, little and at a steady pace.

usage: toils.py CALLS
In each turn it yields its processor CALLS times; each is a call of schedule.
"""

from __future__ import annotations

import os
import sys
import time

if __name__ == "__main__":
    print(os.getpid(), flush=True)
    while True:
        for _ in range(int(sys.argv[1])):
            os.sched_yield()
        os.pipe2(0)  # a file is allocated, and a buffer
        os.closerange(3, 64)
        time.sleep(0.05)
