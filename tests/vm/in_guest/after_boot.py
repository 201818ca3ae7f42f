"""Run in a guest that has just booted: write what is there, for the host to judge."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from looking import node, ran

if __name__ == "__main__":
    facts = {
        "loaded at boot": Path("/sys/module/tracer").exists(),
        "node": node(Path("/dev/tracer")),
        "tracer-check": ran("tracer-check"),
        "unload": ran("rmmod", "tracer"),
        "node without the module": node(Path("/dev/tracer")),
    }
    Path(sys.argv[1]).write_text(json.dumps(facts))
