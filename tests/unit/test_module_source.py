"""What the source of the module must not say, because PREEMPT_RT makes it sleep.

This reads the calls that stand there, not what those call in turn: the guest tests run that.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tracer"
FILES = sorted(path.name for path in SOURCE.glob("*.[ch]") if not path.name.endswith(".mod.c"))
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# They are mutexes there; raw_spin_lock() stays what it is, and so does rcu_read_lock().
SLEEPING_LOCK = re.compile(
    r"\b(?:DEFINE_SPINLOCK|spinlock_t|spin_(?:try)?lock\w*|DEFINE_RWLOCK|rwlock_t"
    r"|(?:read|write)_lock\w*|local_lock\w*)\b"
)
NEVER_IN_A_HANDLER = re.compile(
    r"\b(?:mutex_\w+|down\w*|up|schedule\w*|cond_resched|might_sleep|\w*sleep|wait_\w+"
    r"|k\w*alloc\w*|kfree\w*|kvfree\w*|vmalloc\w*|alloc_\w+|free_\w+|put_pid|call_rcu"
    r"|synchronize_\w+|printk\w*|pr_\w+|WARN\w*|copy_(?:to|from)_user|smp_processor_id"
    r"|get_cpu_\w+|migrate_disable)\s*\("
)
INLINE = re.compile(
    r"^static __always_inline[\w\s*]*?\b(\w+)\([^)]*\)\n{\n(.*?)^}", re.MULTILINE | re.DOTALL
)


def code_of(name: str) -> str:
    """A file without its comments."""
    return COMMENT.sub("", (SOURCE / name).read_text())


def handlers() -> dict[str, str]:
    """The bodies of all functions that run within handlers of probes: marked so, or inline."""
    found: dict[str, str] = {}
    for name in FILES:
        code = code_of(name)
        found.update(INLINE.findall(code))
        for function in re.findall(r"^NOKPROBE_SYMBOL\((\w+)\);", code, re.MULTILINE):
            pattern = rf"^[\w *]*\b{function}\([^)]*\)\n{{\n(.*?)^}}"
            (found[function],) = re.findall(pattern, code, re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize("name", FILES)
def test_no_spinlock_is_one_that_sleeps_with_preempt_rt(name: str) -> None:
    assert not SLEEPING_LOCK.findall(code_of(name))


def test_the_handlers_are_found() -> None:
    known = {"handle_call", "filter_kfree", "tracer_block_take", "tracer_calling_process_in"}
    assert known <= set(handlers())


@pytest.mark.parametrize("function", handlers())
def test_a_handler_calls_nothing_that_sleeps_or_allocates_or_prints(function: str) -> None:
    assert not NEVER_IN_A_HANDLER.findall(handlers()[function])
