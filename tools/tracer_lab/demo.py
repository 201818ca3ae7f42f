"""The demo: the packages, installed in a Debian of their own, counting real programs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tracer_lab.accel import accelerator
from tracer_lab.cells import cell_named
from tracer_lab.commands import SHARE
from tracer_lab.errors import LabError
from tracer_lab.roots import ensure_base, ensure_installed, kernel_image
from tracer_lab.steps import step
from tracer_lab.vm import Guest, GuestResult, boot, fresh_share

IN_GUEST = Path(__file__).with_name("in_demo")
SECONDS = 600
ACCELERATORS = {"kvm": "with KVM", "tcg": "emulated"}


def show_demo(console: Console, cell_name: str, build: Callable[[], Sequence[Path]]) -> None:
    """Build the packages with ``build``, install them, boot, and show them at work.

    Raises LabError if any step fails, or tracer-check in the guest does not pass.
    """
    cell = cell_named(cell_name)
    with step(console, "building the packages"):
        debs = build()
    with step(console, f"a root file system of Debian {cell.name}"):
        ensure_base(cell)
    with step(console, "the packages installed in it by apt, the module built by dkms"):
        root = ensure_installed(cell, debs)
    release, kernel = kernel_image(root)
    with step(console, "finding out whether KVM works here"):
        how = ACCELERATORS[accelerator(kernel)]
    with step(console, f"a guest with Linux {release}, {how}"):
        result = run_demo_guest(root, console)
    if result.status != 0:
        raise LabError(
            f"a command of the demo failed in the guest, exit status {result.status}",
            f"console: {result.console}",
        )
    if not result.powered_off:
        raise LabError("the guest did not power off in order", f"console: {result.console}")


def run_demo_guest(root: Path, console: Console) -> GuestResult:
    """Run the demo's guest part in ``root``, and print what it prints as it goes."""
    command = ["python3", f"{SHARE}/{IN_GUEST.name}/show.py"]
    printed = 0

    with fresh_share("demo") as share:
        shutil.copytree(IN_GUEST, share / IN_GUEST.name)

        def print_new_lines() -> None:
            nonlocal printed
            output = share / "output"
            text = output.read_text(errors="replace") if output.exists() else ""
            whole = text.split("\n")[:-1]
            # A second guest, after one that was lost, starts anew.
            for line in whole[printed if len(whole) >= printed else 0 :]:
                console.out(line, highlight=False)
            printed = len(whole)

        return boot(Guest("demo", root, share, command, SECONDS), print_new_lines)
