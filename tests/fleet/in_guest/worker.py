"""A process that does as many operations as it is told to through a FIFO, and sleeps in between.

usage: worker.py FIFO
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

while True:
    for _ in range(int(Path(sys.argv[1]).read_text())):
        reader, writer = os.pipe()
        os.write(writer, b"1")
        os.read(reader, 1)
        os.close(reader)
        os.close(writer)
