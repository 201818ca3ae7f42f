"""Installing the module by dkms alone, and taking it away again, as lists of steps.

Each list is what is still to be done: it is empty where everything is as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tracer_lab.actions import Action, Command, Remove, Step, Write
from tracer_lab.errors import LabError
from tracer_lab.layout import File, layout, module_version, source_folder
from tracer_lab.refusals import (
    refuse_beside_package,
    refuse_kernel,
    refuse_while_open,
    refuse_without_dkms,
    refuse_without_group_maker,
    refuse_without_root,
)
from tracer_lab.steps import step
from tracer_lab.target import Target
from tracer_tools.refusals import GROUP

AGAIN = "once that is mended, the same command does what is left; uninstall takes all back"
RELOAD_RULES = Command(("udevadm", "control", "--reload"))
SHOW_NODE = Command(
    ("udevadm", "trigger", "--settle", "--subsystem-match=misc", "--sysname-match=tracer")
)


@dataclass(frozen=True)
class Plan:
    """The steps that are to be done, in order, and what is to be said after them."""

    steps: Sequence[Step]
    remarks: Sequence[str] = ()


def plan_install(tree: Path, target: Target, *, dry_run: bool = False) -> Plan:
    """What installs the module of the tree. Raises LabError where that would not work."""
    files, version = layout(tree), module_version(tree)
    if target.staging:
        return Plan([*file_steps(target, files, version), *without_others(target, version)])
    if not dry_run:
        refuse_without_root(target, "install")
    refuse_beside_package(target)
    refuse_without_dkms(target)
    refuse_without_group_maker(target)
    refuse_kernel(target, files[f"{source_folder(version)}/dkms.conf"].content.decode())
    steps = [
        *file_steps(target, files, version),
        *dkms_steps(target, version, changed=source_changed(target, files, version)),
        *group_steps(target),
    ]
    return Plan([*steps, *live_steps(target, steps)], install_remarks(target, steps))


def file_steps(target: Target, files: dict[str, File], version: str) -> Iterator[Step]:
    """Have exactly those files."""
    writes = [Write(target.path(name), file) for name, file in files.items()]
    folder = target.path(source_folder(version))
    known = {write.path for write in writes}
    unknown = sorted(set(folder.iterdir()) - known) if folder.is_dir() else []
    actions: list[Action] = [write for write in writes if write.needed()]
    actions += [Remove(path) for path in unknown]
    if actions:
        yield Step("the files of the module", actions)


def source_changed(target: Target, files: dict[str, File], version: str) -> bool:
    """Whether what dkms would build from is something else now."""
    folder = target.path(source_folder(version))
    there = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    wanted = {
        name.rpartition("/")[2]: file.content
        for name, file in files.items()
        if name.startswith(f"{source_folder(version)}/")
    }
    return there.keys() != wanted.keys() or any(
        there[name].read_bytes() != content for name, content in wanted.items()
    )


def dkms_steps(target: Target, version: str, *, changed: bool) -> Iterator[Step]:
    """Have dkms build and install that version, and know of no other one."""
    name, release = f"tracer/{version}", target.release()
    entries = [entry for entry in target.built_by_dkms() if entry.version == version]
    here = [entry for entry in entries if entry.kernel == release]
    added = version in target.versions_added()
    if added and changed:
        yield Step("forget what was built of another source", [forget(version)])
        added, here = False, []
    if not added:
        yield Step("make the module known to dkms", [Command(("dkms", "add", name))])
    if not any(entry.state.startswith(("built", "installed")) for entry in here):
        build = Command(("dkms", "build", name, "-k", release), AGAIN)
        yield Step(f"build it for Linux {release}", [build])
    yield from without_others(target, version)
    installed = [entry for entry in here if entry.state.startswith("installed")]
    damaged = [entry for entry in installed if entry.altered]
    if damaged or not installed:
        force = ["--force"] if damaged else []
        put = Command(("dkms", "install", *force, name, "-k", release), AGAIN)
        yield Step("install it", [put])


def forget(version: str) -> Command:
    """What makes dkms uninstall a version for every kernel and forget it."""
    return Command(("dkms", "remove", f"tracer/{version}", "--all"))


def without_others(target: Target, version: str = "") -> Iterator[Step]:
    """Have no version but that one."""
    added = [] if target.staging else target.versions_added()
    folders = target.source_folders()
    for other in sorted({*added, *folders} - {version}):
        actions: list[Action] = []
        conf = target.path(source_folder(other)) / "dkms.conf"
        if other in added and other not in folders:
            # dkms removes nothing whose dkms.conf is gone; this one says all that takes.
            actions.append(Write(conf, minimal_conf(other)))
        if other in added:
            actions.append(forget(other))
        actions.append(Remove(conf.parent))
        yield Step(f"remove version {other}", actions)


def minimal_conf(version: str) -> File:
    """What dkms has to know of a version that it only is to remove."""
    lines = (
        'PACKAGE_NAME="tracer"',
        f'PACKAGE_VERSION="{version}"',
        'BUILT_MODULE_NAME[0]="tracer"',
        'DEST_MODULE_LOCATION[0]="/updates/dkms"',
    )
    return File(("\n".join(lines) + "\n").encode())


def group_steps(target: Target) -> Iterator[Step]:
    """Have the group."""
    if target.group_members(GROUP) is not None:
        return
    by_systemd = ("systemd-sysusers", str(target.path("/usr/lib/sysusers.d/tracer.conf")))
    by_hand = ("groupadd", "--system", GROUP)
    make = by_systemd if target.has(by_systemd[0]) else by_hand
    yield Step(f"make the group {GROUP}", [Command(make)])


def live_steps(target: Target, before: Sequence[Step]) -> Iterator[Step]:
    """Have the module loaded, if it is for the running kernel, and its node made by the rule."""
    if not target.is_live() or not target.kernel_runs():
        return
    loaded, outdated = target.module_loaded(), bool(before) or target.loaded_is_outdated()
    if loaded and outdated and not in_use(target):
        yield Step("unload the module of before", [Command(("rmmod", "tracer"))])
        loaded = False
    if before or not loaded:
        why = "the module is installed, but does not load; tracer-check says why"
        load = [] if loaded else [Command(("modprobe", "tracer"), why)]
        purpose = "make /dev/tracer" if loaded else "load it and make /dev/tracer"
        yield Step(purpose, [RELOAD_RULES, *load, SHOW_NODE])


def in_use(target: Target) -> bool:
    """Whether the loaded module counts for somebody, who would lose what it has counted."""
    return target.is_held_open() or target.monitored() > 0


def install_remarks(target: Target, steps: Sequence[Step]) -> list[str]:
    """What people have to know of an installation that these steps make."""
    remarks = []
    if target.module_loaded() and (steps or target.loaded_is_outdated()) and in_use(target):
        remarks.append(
            "The module of before is in use and stays loaded; to change to the new one: "
            "sudo modprobe -r tracer && sudo modprobe tracer"
        )
    elif not target.is_live():
        remarks.append("Nothing is loaded now: this is no running system with udev.")
    elif not target.kernel_runs():
        remarks.append(f"It is loaded when Linux {target.release()} boots.")
    return remarks


def plan_uninstall(tree: Path, target: Target, *, dry_run: bool = False) -> Plan:
    """What leaves nothing of the module. Raises LabError where that would not work."""
    files = [target.path(name) for name in layout(tree)]
    if not target.staging:
        if not dry_run:
            refuse_without_root(target, "uninstall")
        refuse_beside_package(target)
        refuse_while_open(target)
        if target.versions_added():
            refuse_without_dkms(target)
    known = {target.path(source_folder(one)) for one in target.source_folders()}
    files = [file for file in files if file.parent not in known and file.exists()]
    steps = [*unload_steps(target), *without_others(target)]
    if files:
        gone = [*sorted(files), *emptied_manuals(files)]
        steps.append(Step("remove its other files", [Remove(path) for path in gone]))
    if not target.staging and target.group_members(GROUP) is not None:
        steps.append(Step(f"remove the group {GROUP}", [Command(("groupdel", GROUP))]))
    if files and target.is_live():
        steps.append(Step("let udev forget its rule", [RELOAD_RULES]))
    return Plan(steps)


def emptied_manuals(files: Sequence[Path]) -> list[Path]:
    """The folders of a section of the manual that hold none but those files.

    A system of few packages has not all of them: they came with the files, so they go, too.
    """
    manuals = {file.parent for file in files if file.parent.parent.name == "man"}
    return sorted(folder for folder in manuals if set(folder.iterdir()) <= set(files))


def unload_steps(target: Target) -> Iterator[Step]:
    """Have the module not loaded."""
    if target.module_loaded():
        monitored = target.monitored()
        whose = "1 process" if monitored == 1 else f"{monitored} processes"
        lost = f" and lose the counters of {whose}" if monitored else ""
        yield Step(f"unload the module{lost}", [Command(("rmmod", "tracer"))])


def carry_out(plan: Plan, console: Console, *, dry_run: bool) -> None:
    """Do the steps of a plan and show each; or, as a dry run, only show what they would do.

    Raises LabError at the first that fails; those before it are done.
    """
    if not plan.steps:
        console.print("Everything is so already: nothing to do.")
    for one in plan.steps:
        if dry_run:
            console.print(f"{one.purpose}:", highlight=False)
            for action in one.actions:
                console.print(f"    {action}", highlight=False, soft_wrap=True, markup=False)
        else:
            with step(console, one.purpose):
                warnings = one.do()
            for warning in warnings:
                console.print(warning, highlight=False, markup=False, soft_wrap=True)
    for remark in plan.remarks:
        console.print(remark, highlight=False, soft_wrap=True)


def staged(root: str) -> Path:
    """The folder that somebody named to lay files out below; / if they named none.

    Raises LabError if it is something else than a folder.
    """
    folder = Path(root).resolve() if root else Path("/")
    if folder.exists() and not folder.is_dir():
        raise LabError(f"{root} is not a folder", "name one with --root, new or not")
    return folder
