"""The checks, in the order in which one thing stands on another."""

from __future__ import annotations

from tracer_tools.check import counting, device, dkms, kernel, module, security
from tracer_tools.check.engine import Check

CHECKS = (
    Check("kernel-release", "Is this kernel supported?", kernel.release_supported),
    # Where dkms skips the kernel, neither headers nor a build are of use.
    Check(
        "kernel-headers",
        "Are the headers of this kernel there?",
        kernel.headers_installed,
        ("kernel-release",),
    ),
    Check("kernel-symbols", "Has the kernel all seven functions?", kernel.symbols_found),
    Check("secure-boot", "Does Secure Boot allow the module?", security.secure_boot),
    # Each of these asks for the same signature as the one before: one remedy is enough.
    Check(
        "lockdown",
        "Does kernel lockdown allow the module?",
        security.lockdown,
        ("secure-boot",),
    ),
    Check(
        "signatures",
        "May the module be unsigned?",
        security.signatures_enforced,
        ("secure-boot", "lockdown"),
    ),
    Check(
        "dkms-state",
        "Has dkms built and installed the module?",
        dkms.module_built,
        ("kernel-release",),
    ),
    Check("module-file", "Is the module's file there?", dkms.file_installed, ("dkms-state",)),
    Check(
        "module-loaded",
        "Is the module loaded?",
        module.loaded,
        ("module-file", "secure-boot", "lockdown", "signatures"),
        decisive=True,
    ),
    Check(
        "module-current",
        "Is the loaded module the installed one?",
        module.loaded_is_installed,
        ("module-loaded",),
    ),
    Check("probes-on", "Are the kernel's probes switched on?", kernel.probing_on),
    Check(
        "device-node",
        "Is /dev/tracer 10:42 with owner, group and mode right?",
        device.node_right,
        ("module-loaded",),
        decisive=True,
    ),
    Check(
        "device-access",
        "Can this user open /dev/tracer?",
        device.may_open,
        ("device-node",),
        decisive=True,
    ),
    Check(
        "table-header",
        "Is /proc/tracer in the known format?",
        counting.table_known,
        ("module-loaded",),
        decisive=True,
    ),
    Check(
        "round-trip",
        "Can this process be added and removed?",
        device.round_trip,
        ("device-access", "table-header", "probes-on"),
        decisive=True,
    ),
    Check(
        "counters",
        "Does a known load count exactly?",
        counting.counts_exactly,
        ("round-trip",),
        decisive=True,
    ),
    Check(
        "missed-samples",
        "Has the kernel reported every call?",
        counting.none_missed,
        ("module-loaded",),
    ),
)
