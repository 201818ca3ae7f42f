"""Run in a guest where the tree has installed the module: write what is there and what it does.

usage: by_dkms.py TREE FACTS
"""

from __future__ import annotations

import grp
import json
import os
import sys
from pathlib import Path
from typing import Any

from looking import node, ran

TREE = Path(sys.argv[1])
FACTS = Path(sys.argv[2])
DEVICE = Path("/dev/tracer")
MODULE = Path("/sys/module/tracer")
RULE = Path("/usr/lib/udev/rules.d/60-tracer.rules")
CHECK = ("env", f"PYTHONPATH={TREE}/tools", "python3", "-m", "tracer_tools.check.cli")
MODULES = Path("/lib/modules", os.uname().release, "updates/dkms")
sys.path.insert(0, str(TREE / "tools"))

import tracer_tools  # noqa: E402


def seen() -> dict[str, Any]:
    """Say what there is of the module."""
    return {
        "loaded": MODULE.exists(),
        "node": node(DEVICE),
        "group": any(group.gr_name == "tracer" for group in grp.getgrall()),
        "rule": RULE.exists(),
        "source": bool(list(Path("/usr/src").glob("tracer-*"))),
        "added to dkms": Path("/var/lib/dkms/tracer").exists(),
        "installed": bool(list(MODULES.glob("tracer.ko*"))),
    }


def invoke(*arguments: str) -> dict[str, Any]:
    """Run a task of the tree; how that went, and what there is then."""
    return {**ran("invoke", f"--search-root={TREE}", *arguments), "seen": seen()}


def held_open() -> dict[str, Any]:
    """Try to uninstall while a program has the device open."""
    with DEVICE.open():
        return invoke("uninstall")


def half_done() -> dict[str, Any]:
    """Install again after somebody took away the group, the rule and the loaded module."""
    ran("rmmod", "tracer")
    ran("groupdel", "tracer")
    RULE.unlink()
    return invoke("install")


def monitoring() -> dict[str, Any]:
    """Install again what somebody uninstalled, while the loaded module monitors this process."""
    tracer_tools.add(os.getpid())
    (source,) = Path("/usr/src").glob("tracer-*")
    ran("dkms", "uninstall", source.name.replace("-", "/", 1), "-k", os.uname().release)
    before = seen()
    done = invoke("install")
    return {**done, "before": before, "monitored": [row.pid for row in tracer_tools.snapshot()]}


if __name__ == "__main__":
    facts: dict[str, Any] = {"boot": seen(), "tracer-check": ran(*CHECK), "pid": os.getpid()}
    if "live" in sys.argv:
        facts["held open"] = held_open()
        facts["half done"] = half_done()
        facts["again"] = invoke("install")
        facts["monitoring"] = monitoring()
        facts["uninstall"] = invoke("uninstall")
    FACTS.write_text(json.dumps(facts))
