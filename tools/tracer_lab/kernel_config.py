"""The configurations of the kernels that the lab builds: fragments, and what became of them.

A fragment is a file of kernel_configs/ in the form of a kernel's own .config.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tracer_lab.errors import LabError

FRAGMENTS = Path(__file__).with_name("kernel_configs")
UNSET = "n"  # as in Kconfig; a .config says so in a comment
OPTION = re.compile(r"(?P<option>CONFIG_\w+)=(?P<value>\S.*)|# (?P<unset>CONFIG_\w+) is not set")


def fragment_files(names: Sequence[str]) -> list[Path]:
    """The files of those fragments, in order; raises LabError if there is no such fragment."""
    files = [FRAGMENTS / f"{name}.config" for name in names]
    for file in files:
        if not file.exists():
            known = ", ".join(sorted(path.stem for path in FRAGMENTS.glob("*.config")))
            raise LabError(f"no configuration of a kernel is called {file.stem}", f"know: {known}")
    return files


def parse_config(text: str, name: str = ".config") -> dict[str, str]:
    """The value of each option that a .config or a fragment names; UNSET of one that is not set.

    Raises LabError, naming the line, for another form or an option that is there twice.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = OPTION.fullmatch(line)
        if match is None:
            if line.strip() and not line.startswith("#"):
                raise LabError(f"{name}, line {number}: no option of a kernel: {line!r}")
            continue
        option = match["option"] or match["unset"]
        if option in found:
            raise LabError(f"{name}, line {number}: {option} a second time")
        found[option] = match["value"] or UNSET
    return found


def wanted_options(files: Sequence[Path]) -> dict[str, str]:
    """What fragments ask for together; raises LabError if two of them name the same option."""
    wanted: dict[str, str] = {}
    for file in files:
        options = parse_config(file.read_text(encoding="utf-8"), file.name)
        again = sorted(wanted.keys() & options.keys())
        if again:
            raise LabError(f"{file.name}: another fragment names {', '.join(again)}, too")
        wanted |= options
    return wanted


def not_granted(wanted: Mapping[str, str], config: Mapping[str, str]) -> list[str]:
    """Each wanted option that is another way in the configuration that came of it, and how."""
    return [
        f"{option}={value} (is {config.get(option, UNSET)})"
        for option, value in wanted.items()
        if config.get(option, UNSET) != value
    ]


def check_granted(wanted: Mapping[str, str], config_text: str, kernel: str) -> None:
    """Raise LabError, naming each, if a wanted option is not in the .config of that kernel.

    Kconfig drops without a word what does not exist in a version, or depends on what is not set.
    """
    dropped = not_granted(wanted, parse_config(config_text))
    if dropped:
        raise LabError(
            f"{kernel}: its configuration did not take {', '.join(dropped)}",
            f"see what these options depend on, and change a file of {FRAGMENTS}",
        )
