"""SystemTap's module for a root file system of the bench: compiled there, or why it cannot be."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tracer_lab.cache import cache_dir, key_of, made_once
from tracer_lab.commands import in_root, run
from tracer_lab.errors import LabError
from tracer_lab.in_bench.peers.systemtap import ABSENT, MODULE, SYMBOLS, script
from tracer_lab.roots import kernel_release, log_of, throw_away_copy

PLACE = "var/tmp/systemtap"
# What an older SystemTap does to a newer kbuild may never end.
SECONDS = 120
TIMED_OUT = "exit status 124 "  # how the error of a command that timeout ended begins
# Without debug information it asks this file whether there is such a function; Debian's is empty.
SYMBOL_MAP = "boot/System.map-{release}"
FIRST_ADDRESS, LAST_ADDRESS = 0xFFFFFFFF81000000, 0xFFFFFFFF82000000
# Its checks of the processor's load end a script whose functions are called all the time.
NO_LIMITS = "-DSTP_NO_OVERLOAD"


def ensure_module(root: Path) -> Path:
    """A folder with the module for the kernel of that root file system, or with the reason.

    Takes a minute or two the first time, nothing after that.
    """
    text = script()
    folder = cache_dir() / "systemtap" / f"{root.name}-{key_of(text)}"

    def make(target: Path) -> None:
        target.mkdir()
        with throw_away_copy(root, f"systemtap-{root.name}") as copy:
            why = _compile(copy, text)
            if why:
                (target / ABSENT).write_text(f"{why}\n", encoding="utf-8")
            else:
                module = f"{MODULE}.ko"
                (target / module).write_bytes((copy / PLACE / module).read_bytes())

    return made_once(folder, make)


def _compile(root: Path, text: str) -> str:
    """Compile the script in a root file system; returns why that failed, or nothing."""
    release = kernel_release(root)
    log = log_of(f"systemtap-{root.name}")
    given = {f"{PLACE}/bench.stp": text, SYMBOL_MAP.format(release=release): symbol_map()}
    for name, content in given.items():
        write = f"mkdir -p {shlex.quote(str(Path('/', name).parent))} && cat >/{shlex.quote(name)}"
        run(in_root(root, ["sh", "-c", write]), stdin=content)
    stap = ["timeout", str(SECONDS), "stap", "-p4", "-r", release, NO_LIMITS, "-m", MODULE]
    try:
        run(in_root(root, ["env", "-C", f"/{PLACE}", *stap, "bench.stp"]), log=log)
    except LabError as error:
        version = run(in_root(root, ["sh", "-c", "stap --version 2>&1 | head -n 1"]))
        if error.message.startswith(TIMED_OUT):
            return why_not(version, release, f"error: it did not end in {SECONDS} seconds")
        return why_not(version, release, log.read_text(errors="replace"))
    return ""


def symbol_map() -> str:
    """A map of a kernel that has every function of the script; what has not is found out there."""
    named = ["_stext", *SYMBOLS]
    lines = [f"{FIRST_ADDRESS + 16 * place:x} T {name}\n" for place, name in enumerate(named)]
    return "".join([*lines, f"{LAST_ADDRESS:x} T _etext\n"])


def why_not(version: str, release: str, said: str) -> str:
    """One sentence of why the script was not compiled, from what was said of it."""
    numbers = re.search(r"version (\S+?)[/,]", version)
    name = f"SystemTap {numbers[1]}" if numbers else "SystemTap"
    errors = re.findall(r"\berror:? (.+)", said, re.IGNORECASE) or said.splitlines()[-1:]
    reason = errors[0].strip() if errors else "it did not say why"
    return f"{name} does not compile for Linux {release}: {reason}"
