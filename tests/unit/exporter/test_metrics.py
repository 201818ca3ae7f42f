"""The page that Prometheus reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tracer_exporter.ledger import ZERO, Counts
from tracer_exporter.metrics import Page, Shown
from tracer_exporter.state import State

OF_GROUPS = {
    "tracer_kmalloc_calls_total",
    "tracer_kmalloc_bytes_total",
    "tracer_kfree_calls_total",
    "tracer_kfree_bytes_total",
    "tracer_schedule_calls_total",
    "tracer_semaphore_up_calls_total",
    "tracer_semaphore_down_calls_total",
    "tracer_mutex_lock_calls_total",
    "tracer_mutex_unlock_calls_total",
    "tracer_group_processes",
}
OTHERS = {
    "tracer_up",
    "tracer_module_info",
    "tracer_missed_samples_total",
    "tracer_lost_records_total",
    "tracer_unfollowed_processes_total",
}
COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 2**52)


def state(
    trouble: str = "",
    module: tuple[str, str] | None = ("1.0.0", "ftrace"),
    living: Sequence[tuple[int, str, Counts]] = (),
) -> State:
    return State(
        trouble=trouble,
        totals={"web": COUNTS, "db": ZERO},
        processes={"web": 2, "db": 0},
        missed=11,
        unfollowed=13,
        lost=17,
        module=module,
        living=living,
    )


def page(now: State, most: int | None = None) -> str:
    registry = CollectorRegistry()
    shown = None if most is None else Shown(most)
    registry.register(Page(lambda: now, {1: "one"}.get, shown))
    return generate_latest(registry).decode()


def samples(text: str) -> dict[str, dict[str, float]]:
    """The values by name, and by what the labels say."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_the_names_are_those_that_are_documented() -> None:
    found = samples(page(state()))
    assert set(found) == OF_GROUPS | OTHERS
    for name in OF_GROUPS:
        assert set(found[name]) == {"group=web", "group=db"}


def test_each_column_goes_to_its_metric() -> None:
    found = samples(page(state()))
    names = [
        *("kmalloc_calls", "kfree_calls", "kmalloc_bytes", "kfree_bytes", "schedule_calls"),
        *("semaphore_up_calls", "semaphore_down_calls", "mutex_lock_calls", "mutex_unlock_calls"),
    ]
    assert tuple(int(found[f"tracer_{name}_total"]["group=web"]) for name in names) == COUNTS
    assert found["tracer_group_processes"] == {"group=web": 2, "group=db": 0}


def test_what_is_not_in_the_numbers_is_said() -> None:
    found = samples(page(state()))
    values = {name: found[name][""] for name in OTHERS - {"tracer_module_info"}}
    assert values == {
        "tracer_up": 1,
        "tracer_missed_samples_total": 11,
        "tracer_lost_records_total": 17,
        "tracer_unfollowed_processes_total": 13,
    }
    assert found["tracer_module_info"] == {"engine=ftrace,version=1.0.0": 1}


def test_without_the_module_up_is_0_and_the_totals_stay() -> None:
    found = samples(page(state(trouble="it is not loaded", module=None)))
    assert found["tracer_up"] == {"": 0}
    assert found["tracer_kmalloc_calls_total"] == {"group=web": 1, "group=db": 0}
    assert "tracer_module_info" not in found


def test_it_can_be_openmetrics() -> None:
    registry = CollectorRegistry()
    registry.register(Page(state, lambda _: None))
    text = generate_openmetrics(registry).decode()
    assert text.endswith("# EOF\n")
    assert "# TYPE tracer_module info\n" in text


def test_every_metric_has_help_that_ends_as_a_sentence() -> None:
    text = page(state(living=[(1, "web", COUNTS)]), most=1)
    helps = re.findall("^# HELP [a-z_]+ (.*)$", text, re.MULTILINE)
    assert len(helps) == len(OF_GROUPS | OTHERS) + 10
    assert all(words.endswith(".") for words in helps)


def test_no_series_has_a_pid_unless_asked() -> None:
    assert "pid=" not in page(state(living=[(1, "web", COUNTS)]))


def test_each_process_has_its_series_if_asked() -> None:
    living = [(1, "web", COUNTS), (2, "db", ZERO)]
    found = samples(page(state(living=living), most=2))
    assert found["tracer_process_mutex_unlock_calls_total"] == {
        "command=one,group=web,pid=1": 2**52,
        "command=?,group=db,pid=2": 0,
    }
    assert found["tracer_series_dropped_total"] == {"": 0}
    assert len([name for name in found if name.startswith("tracer_process_")]) == 9


def test_the_cap_holds_and_what_it_drops_is_counted() -> None:
    living = [(pid, "web", COUNTS) for pid in range(1, 8)]
    found = samples(page(state(living=living), most=3))
    assert len(found["tracer_process_kmalloc_calls_total"]) == 3
    assert found["tracer_series_dropped_total"] == {"": 4 * 9}


def test_who_is_shown_stays_and_who_waits_is_dropped_once() -> None:
    shown = Shown(2)
    assert shown.choose([5, 6]) == {5, 6}
    assert shown.choose([1, 5, 6]) == {5, 6}
    assert shown.choose([1, 5, 6]) == {5, 6}
    assert shown.dropped == 9
    assert shown.choose([1, 2, 6]) == {1, 6}
    assert shown.dropped == 18
    assert shown.choose([6]) == {6}
    assert shown.choose([1, 6]) == {1, 6}
    assert shown.dropped == 18
