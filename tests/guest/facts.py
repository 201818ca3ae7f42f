"""What the guest's kernel is and what tracer probes in it, for those who judge the tests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from case import DEBUGFS

VERSION_OF_DKMS = ("dpkg-query", "--show", "--showformat=${Version}", "dkms")


def write(target: Path) -> None:
    """Write the facts. Raises OSError where the module is not loaded."""
    probes = (DEBUGFS / "probes").read_text(encoding="ascii").splitlines()[1:]
    dkms = subprocess.run(VERSION_OF_DKMS, stdout=subprocess.PIPE, text=True, check=True)
    facts = {
        "release": os.uname().release,
        "version": Path("/proc/version").read_text(encoding="ascii").rstrip("\n"),
        "dkms": dkms.stdout,
        "probes": [line.split()[:2] for line in probes],  # function, symbol
    }
    target.write_text(json.dumps(facts), encoding="ascii")
