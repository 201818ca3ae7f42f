"""What is counted of which group, by a module that is stepped through all that may happen."""

from __future__ import annotations

import errno
from functools import partial

import pytest
from tests.unit.exporter.module import STEP, Module

from tracer_exporter import ledger
from tracer_exporter.state import State
from tracer_exporter.watch import Watch
from tracer_tools.module import VALUES
from tracer_tools.rules import Rule

A, B = Rule("a", "f.toml", 1, user="a"), Rule("b", "f.toml", 2, user="b")


def steps(state: State, group: str = "a") -> int:
    """How many steps a group has counted; every column has to say the same."""
    total = state.totals[group]
    assert [value % step for value, step in zip(total, STEP)] == [0] * len(STEP)
    (number,) = {value // step for value, step in zip(total, STEP)}
    return number


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def watch(module: Module, said: list[str]) -> Watch:
    """A watch of two groups that has found nothing yet."""
    made = Watch(module, say=said.append)
    made.use([A, B])
    return made


def begin(module: Module, watch: Watch, *pids: int, group: str = "a") -> None:
    for pid in pids:
        module.spawn(pid)
    watch.add([(pid, group) for pid in pids])


def test_a_total_is_that_of_the_living_and_the_ended(module: Module, watch: Watch) -> None:
    begin(module, watch, 1, 2)
    module.count(1, 10)
    module.count(2, 100)
    assert steps(watch.look()) == 110
    module.count(1, 1)
    module.exit(1)
    state = watch.look()
    assert (steps(state), state.processes) == (111, {"a": 1, "b": 0})


def test_a_group_without_processes_has_counted_nothing(watch: Watch) -> None:
    state = watch.look()
    assert (steps(state, "a"), steps(state, "b"), state.processes) == (0, 0, {"a": 0, "b": 0})
    assert state.module == ("1.2.3", "kretprobe")


def test_each_group_has_its_own(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    begin(module, watch, 2, group="b")
    module.count(1, 3)
    module.count(2, 5)
    module.exit(2)
    state = watch.look()
    assert (steps(state, "a"), steps(state, "b")) == (3, 5)


def test_descendants_are_of_the_group_however_short_they_live(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    module.fork(1, 2)
    module.count(2, 7)
    module.exit(2)
    module.fork(1, 3)
    module.fork(3, 4)
    module.exit(3)
    module.count(4, 11)
    state = watch.look()
    assert (steps(state), state.processes["a"]) == (18, 2)


def test_between_row_and_record_nothing_is_lost(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    module.count(1, 10)
    watch.look()
    module.unlink(1)
    state = watch.look()
    assert (steps(state), state.processes["a"]) == (10, 0)
    module.queue(1)
    assert steps(watch.look()) == 10


def test_who_ends_while_the_table_is_read_counts_once(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    module.count(1, 10)
    module.after_table.append(partial(module.exit, 1))
    assert steps(watch.look()) == 10
    module.after_table.clear()
    assert steps(watch.look()) == 10


def test_who_comes_and_ends_while_the_table_is_read_counts_once(
    module: Module, watch: Watch
) -> None:
    begin(module, watch, 1)

    def come() -> None:
        module.fork(1, 2)
        module.count(2, 10)

    module.before_table.append(come)
    module.after_table.append(partial(module.exit, 2))
    assert steps(watch.look()) == 10
    module.before_table.clear()
    module.after_table.clear()
    assert steps(watch.look()) == 10


def test_who_ends_while_the_table_is_read_is_not_who_comes_then(
    module: Module, watch: Watch
) -> None:
    begin(module, watch, 1)
    module.fork(1, 2)
    module.count(2, 10)

    def come_again() -> None:
        module.exit(2)
        module.fork(1, 2)

    module.after_table.append(come_again)
    assert steps(watch.look()) == 10
    module.after_table.clear()
    module.count(2, 1)
    assert steps(watch.look()) == 11


def test_a_number_that_came_again_is_another_process(module: Module, watch: Watch) -> None:
    begin(module, watch, 1, 2)
    module.count(2, 10)
    watch.look()
    module.exit(2)
    module.fork(1, 2)
    module.count(2, 1000)  # more than the one before: only its record tells
    assert steps(watch.look()) == 1010


def test_a_number_that_came_again_in_another_group(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    begin(module, watch, 3, group="b")
    module.count(1, 10)
    watch.look()
    module.exit(1)
    module.fork(3, 1)
    module.count(1, 1000)
    state = watch.look()
    assert (steps(state, "a"), steps(state, "b")) == (10, 1000)


def test_records_taken_down_in_between_count_once(module: Module, watch: Watch) -> None:
    begin(module, watch, 1, 2)
    module.count(1, 10)
    watch.look()
    module.exit(1)
    watch.take_down()
    module.fork(2, 1)
    module.count(1, 5)
    assert steps(watch.look()) == 15


def test_a_restart_goes_on(module: Module, watch: Watch) -> None:
    for number in range(1, 11):
        begin(module, watch, number)
        module.count(number)
        module.fork(number, 100 + number)
        module.count(100 + number)
        module.exit(100 + number)
        module.exit(number)
    assert steps(watch.look()) == 20


def test_a_lost_record_leaves_the_last_row(
    module: Module, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "GIVEN_UP_AFTER_NS", 0)
    begin(module, watch, 1, 2)
    module.count(1, 10)
    watch.look()
    module.exit(1, lose=True)
    module.count(2, 1)
    module.exit(2)
    for _ in range(3):
        state = watch.look()
        assert (steps(state), state.lost) == (11, 1)
    assert state.living == []


def test_what_another_removes_keeps_what_it_counted(
    module: Module, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(module, watch, 1)
    module.count(1, 10)
    watch.look()
    module.remove(1)
    assert steps(watch.look()) == 10
    monkeypatch.setattr(ledger, "GIVEN_UP_AFTER_NS", 0)
    watch.look()
    begin(module, watch, 1)
    module.count(1, 5)
    assert steps(watch.look()) == 15


def test_a_record_is_not_of_who_had_the_number_before(module: Module, watch: Watch) -> None:
    begin(module, watch, 1, 2)
    module.count(2, 10)
    watch.look()
    module.remove(2)
    module.exit(2)
    module.fork(1, 2)
    module.count(2, 5)
    module.exit(2)
    assert steps(watch.look()) == 15


def test_a_withheld_record_leaves_the_last_row(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    module.count(1, 10)
    watch.look()
    module.rows[1].withheld = True
    module.exit(1)
    assert steps(watch.look()) == 10


def test_what_another_removes_and_adds_is_the_others(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    module.count(1, 10)
    watch.look()
    module.remove(1)
    module.ioctl(module.another_program(), 0x4004012A, 1)
    module.count(1, 5)
    for _ in range(3):
        state = watch.look()
        assert (steps(state), state.processes["a"]) == (10, 0)


def test_what_another_program_monitors_is_left_to_it_and_said_once(
    module: Module, watch: Watch, said: list[str]
) -> None:
    module.spawn(1)
    module.ioctl(module.another_program(), 0x4004012A, 1)
    module.count(1, 10)
    for _ in range(3):
        watch.add([(1, "a")])
        assert steps(watch.look()) == 0
    (line,) = said
    assert line == (
        "group a: process 1 is monitored by another program, and not counted: "
        "'tracerctl remove 1' ends that"
    )


def test_after_a_kill_what_was_left_behind_is_taken_over(
    module: Module, watch: Watch, said: list[str]
) -> None:
    module.spawn(1)
    module.ioctl(module.another_program(), 0x4004012C, 1)
    module.count(1, 10)
    watch.take_over = True
    watch.add([(1, "a")])
    module.count(1, 5)
    assert (steps(watch.look()), said) == (5, [])
    module.spawn(2)
    module.ioctl(module.another_program(), 0x4004012A, 2)
    watch.add([(2, "a")])
    assert module.told.removed == [1]  # once, at first


def test_who_is_found_as_a_child_is_not_added_again(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    module.fork(1, 2)
    module.count(2, 10)
    watch.add([(1, "a"), (2, "b")])  # it is of the tree, whatever rule names it
    state = watch.look()
    assert (steps(state, "a"), steps(state, "b")) == (10, 0)
    assert module.told.added == [1]


def test_a_child_that_ends_while_it_is_met_is_nobody_elses(
    module: Module, watch: Watch, said: list[str]
) -> None:
    begin(module, watch, 1)
    module.fork(1, 2)
    module.count(2, 10)
    module.end_when_asked.add(2)
    watch.add([(1, "a"), (2, "a")])
    assert (steps(watch.look()), said) == (10, [])


def test_who_ended_before_it_could_be_added_is_no_matter(
    module: Module, watch: Watch, said: list[str]
) -> None:
    watch.add([(1, "a")])
    assert (steps(watch.look()), said) == (0, [])


def test_a_refusal_is_said_once_for_a_group(module: Module, watch: Watch, said: list[str]) -> None:
    for pid in (1, 2):
        module.spawn(pid)
        module.refusals[pid] = errno.ENOSPC
    for _ in range(2):
        watch.add([(1, "a"), (2, "a")])
    (line,) = said
    assert line.startswith("group a: no room for process ")
    module.refusals.clear()
    watch.add([(1, "a"), (2, "a")])
    module.count(1)
    assert steps(watch.look()) == 1


def test_without_the_module_totals_stay_and_it_comes_back_by_itself(
    module: Module, watch: Watch, said: list[str]
) -> None:
    begin(module, watch, 1)
    module.count(1, 10)
    watch.look()
    module.unload()
    for _ in range(2):
        watch.add([(1, "a")])
        state = watch.look()
        assert state.trouble == "the module tracer is not loaded: run 'sudo modprobe tracer'"
        assert (steps(state), state.processes["a"], state.module) == (10, 0, None)
    assert said == [state.trouble]
    module.load()
    watch.add([(1, "a")])
    module.count(1, 5)
    state = watch.look()
    assert (steps(state), state.trouble, state.processes["a"]) == (15, "", 1)


def test_without_the_module_its_device_is_not_opened(module: Module, watch: Watch) -> None:
    module.unload()
    module.spawn(1)
    watch.add([(1, "a")])  # to open it would load the module
    assert module.sessions == {}


def test_a_group_that_has_nothing_lets_the_module_go(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    watch.look()
    assert len(watch.descriptors()) == 1
    module.exit(1)
    watch.look()
    assert watch.descriptors() == []


def test_a_counter_of_the_module_goes_on_over_a_reload(module: Module, watch: Watch) -> None:
    found = []
    for value in (3, 5, 1, 4):
        module.put(f"{VALUES}/missed_samples", f"{value}\n")
        module.put(f"{VALUES}/unfollowed", f"{value}\n")
        state = watch.look()
        found.append((state.missed, state.unfollowed))
    assert found == [(3, 3), (5, 5), (6, 6), (9, 9)]


def test_a_changed_rule_keeps_the_total_and_finds_anew(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    begin(module, watch, 2, group="b")
    module.count(1, 10)
    module.count(2, 20)
    watch.use([Rule("a", "f.toml", 1, user="c"), B])
    assert (set(module.rows), module.told.removed) == ({2}, [])
    watch.add([(1, "a")])
    module.count(1, 5)
    state = watch.look()
    assert (steps(state, "a"), steps(state, "b")) == (15, 20)


def test_a_rule_that_only_moved_to_another_line_goes_on(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    watch.use([Rule("a", "g.toml", 9, user="a"), B])
    assert set(module.rows) == {1}


def test_a_rule_that_is_no_more_is_forgotten(module: Module, watch: Watch) -> None:
    begin(module, watch, 1)
    watch.use([B])
    assert (set(watch.look().totals), module.rows) == ({"b"}, {})


def test_at_the_end_nothing_is_monitored_and_everything_counted(
    module: Module, watch: Watch
) -> None:
    begin(module, watch, 1)
    module.fork(1, 2)
    module.count(2, 10)
    watch.stop()
    assert (module.rows, steps(watch.look())) == ({}, 10)
