"""Kernel threads do a known, prime number of each operation; the counters say exactly that."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import device
import proctracer
import waiting
import workload
from case import SYSFS, GuestTest
from processes import Child, Link
from proctracer import Counters
from workload import Step

HUGE = 200_000
SMALLEST_TABLE = 32_768
MOST_BLOCKS = 8_191  # a task can hold, workload/workload.h
STEPS = [
    Step("kmalloc", 101, 97),
    Step("kmalloc_const", 103, 97),
    Step("kstrdup", 53, 13),
    Step("kfree", 257),
    Step("kfree_null", 31),
    Step("schedule", 307),
    Step("down", 109),
    Step("up", 107),
    Step("lock", 113),
    Step("unlock", 127),
]


class Work(GuestTest):
    def counted(self, steps: Sequence[Step], tasks: int = 1) -> list[Counters]:
        """Have kernel threads do the steps; give the counters of each."""
        return self.counted_of([steps] * tasks)

    def counted_of(self, plans: Sequence[Sequence[Step]]) -> list[Counters]:
        """Have a kernel thread do the steps of each plan; give the counters of each."""
        with workload.threads_of(plans) as pids:
            for pid in pids:
                workload.add(pid)
            self.assertEqual(proctracer.rows(), {pid: Counters() for pid in pids})
            workload.go(len(plans))
            counted = [workload.counted(pid) for pid in pids]
            self.usable = sum(worker.usable for worker in workload.workers())
        waiting.until(lambda: not proctracer.rows(), "the rows of the threads are gone")
        return counted

    def assert_exact(self, *steps: Step) -> None:
        self.assertEqual(self.counted(steps), [workload.expected(steps)])

    def assert_each_exact(self, plans: dict[str, list[Step]]) -> None:
        """Check several plans at once, each by its name: arming probes takes a while."""
        counted = dict(zip(plans, self.counted_of(list(plans.values()))))
        self.assertEqual(counted, {name: workload.expected(plan) for name, plan in plans.items()})


class Operations(Work):
    def test_no_work_counts_nothing(self) -> None:
        self.assert_exact()

    def test_every_entry_point_of_kmalloc_with_every_kind_of_size(self) -> None:
        self.assert_each_exact(
            {
                name: [Step(name, 3, size) for size in workload.sizes_of(name)]
                for name in workload.ALLOCATES
            }
        )

    def test_kmalloc_of_odd_sizes(self) -> None:
        self.assert_exact(Step("kmalloc", 13, 1), Step("kmalloc", 17, 97), Step("kmalloc", 3, 4095))

    def test_many_calls_of_each_entry_point(self) -> None:
        self.assert_exact(*[Step(name, 101, 97) for name in workload.ALLOCATES])

    def test_kmalloc_of_a_huge_block(self) -> None:
        self.assert_exact(Step("kmalloc", 3, HUGE))

    def test_kmalloc_that_fails(self) -> None:
        self.assert_exact(Step("kmalloc_fail", 11))

    def test_krealloc_that_moves_the_block(self) -> None:
        self.assert_exact(Step("krealloc_grow", 61, 71), Step("kfree", 61))

    def test_krealloc_that_moves_a_block_above_the_largest_slab(self) -> None:
        self.assert_exact(Step("krealloc_grow", 3, 2049), Step("krealloc_grow", 2, 8193))

    def test_schedule(self) -> None:
        self.assert_exact(Step("schedule", 1009))

    def test_up(self) -> None:
        self.assert_exact(Step("up", 107))

    def test_down_interruptible(self) -> None:
        self.assert_exact(Step("down", 109))

    def test_mutex_lock(self) -> None:
        self.assert_exact(Step("lock", 113))

    def test_mutex_unlock(self) -> None:
        self.assert_exact(Step("unlock", 127))


class GivenBack(Work):
    def test_a_seen_block_gives_back_what_was_requested(self) -> None:
        self.assert_exact(Step("kmalloc", 101, 97), Step("kfree", 83))

    def test_a_block_of_each_entry_point_gives_back_what_was_requested(self) -> None:
        self.assert_each_exact(
            {
                name: [*(Step(name, 3, size) for size in sizes), Step("kfree", 3 * len(sizes))]
                for name in workload.ALLOCATES
                for sizes in [workload.sizes_of(name)]
            }
        )

    def test_a_huge_block_gives_back_what_was_requested(self) -> None:
        self.assert_exact(Step("kmalloc", 3, HUGE), Step("kmalloc", 2, 8193), Step("kfree", 5))

    def test_a_zero_size_block_gives_back_nothing(self) -> None:
        self.assert_exact(Step("kmalloc", 7, 0), Step("kfree", 7))

    def test_null_gives_back_nothing(self) -> None:
        self.assert_exact(Step("kfree_null", 131))

    def test_a_block_that_was_not_seen_gives_back_its_usable_size(self) -> None:
        for size in (100, 1, 5000, 8193):
            with self.subTest(size=size):
                unknown = self.unknown_blocks()
                (counted,) = self.counted([Step("kfree_foreign", 17, size)])
                self.assertGreater(self.usable, 17 * size)
                self.assertEqual(counted, Counters(kfree=17, kfree_mem=self.usable))
                self.assertEqual(self.unknown_blocks() - unknown, 17)

    def test_seen_and_unseen_blocks_are_told_apart(self) -> None:
        steps = [Step("kmalloc", 23, 100), Step("kfree_foreign", 19, 100), Step("kfree", 23)]
        (counted,) = self.counted(steps)
        wanted = workload.expected(steps)
        self.assertEqual(counted, replace(wanted, kfree_mem=23 * 100 + self.usable))

    def test_a_seen_block_is_not_called_unknown(self) -> None:
        unknown = self.unknown_blocks()
        self.assert_exact(Step("kmalloc", 101, 97), Step("kfree", 101), Step("kfree_null", 3))
        self.assertEqual(self.unknown_blocks(), unknown)

    def test_a_full_table_falls_back_to_the_usable_size(self) -> None:
        tasks = 6
        unknown = self.unknown_with_smallest_table(tasks)
        room = SMALLEST_TABLE * 5 // 4  # src/tracer/block.h: five slots a bucket, filled with four
        self.assertGreaterEqual(unknown, tasks * MOST_BLOCKS - room)
        self.assertLess(unknown, tasks * MOST_BLOCKS)

    def test_as_many_blocks_as_were_asked_for_are_remembered(self) -> None:
        # One in 1,000 may find no room; the simulation of src/tracer/block.h had 1 in 32,768.
        self.assertLess(self.unknown_with_smallest_table(4), 33)

    def unknown_with_smallest_table(self, tasks: int) -> int:
        """Return how many blocks had been forgotten, of MOST_BLOCKS that each task held at once."""
        self.reload(f"tracked_blocks={SMALLEST_TABLE}")
        steps = [Step("kmalloc", MOST_BLOCKS, 100), Step("pause", 1), Step("kfree", MOST_BLOCKS)]
        with workload.threads(tasks, steps) as pids:
            for pid in pids:
                workload.add(pid)
            workload.control("go")
            workload.await_phase("parked", tasks)
            workload.go(tasks)
            total = sum(map(workload.counted, pids), Counters())
        unknown = self.unknown_blocks()
        self.assertEqual(total.kfree_mem, 100 * total.kfree + (128 - 100) * unknown)
        self.assertEqual(total.kfree, tasks * MOST_BLOCKS)
        return unknown

    @staticmethod
    def unknown_blocks() -> int:
        return int((SYSFS / "unknown_blocks").read_text(encoding="ascii"))


class Forgotten(Work):
    """499 blocks of 100 bytes are freed by others, and addresses come back as other blocks."""

    def assert_priced_anew(self, release: str) -> None:
        steps = [Step("kmalloc", 499, 100), Step("pause", 1), Step("kfree_foreign", 499)]
        with workload.threads(1, steps) as (pid,):
            workload.add(pid)
            workload.control("go")
            workload.await_phase("parked", 1)
            workload.control(release)
            workload.await_reuse(120)
            workload.go(1)
            counted = workload.counted(pid)
            usable = workload.workers()[0].usable
        self.assertEqual(counted.kfree, 499)
        self.assertEqual(counted.kfree_mem, usable)

    def test_a_block_that_somebody_else_freed(self) -> None:
        self.assert_priced_anew("release")

    def test_a_block_that_was_freed_by_kfree_rcu(self) -> None:
        self.assert_priced_anew("release_rcu")


class Tasks(Work):
    def test_several_kernel_threads_each_have_their_own_counters(self) -> None:
        self.assertEqual(self.counted(STEPS, 5), 5 * [workload.expected(STEPS)])

    def test_a_thread_that_is_not_monitored_is_counted_nowhere(self) -> None:
        with workload.threads(3, STEPS) as pids:
            workload.add(pids[1])
            workload.go(3)
            self.assertEqual(set(proctracer.rows()), {pids[1]})
            self.assertEqual(workload.counted(pids[1]), workload.expected(STEPS))

    def test_what_was_done_before_adding_is_not_counted(self) -> None:
        with workload.threads(1, [*STEPS, Step("pause", 1), *STEPS]) as (pid,):
            workload.control("go")
            workload.await_phase("parked", 1)
            workload.add(pid)
            workload.go(1)
            self.assertEqual(workload.counted(pid), workload.expected(STEPS))

    def test_what_is_done_after_removing_is_not_counted(self) -> None:
        with workload.threads(1, [*STEPS, Step("pause", 1), *STEPS]) as (pid,):
            workload.add(pid)
            workload.control("go")
            workload.await_phase("parked", 1)
            device.remove(pid)
            workload.add(pid)
            self.assertEqual(proctracer.row(pid), Counters())
            workload.go(1)
            self.assertEqual(workload.counted(pid), workload.expected(STEPS))

    def test_a_user_process_that_does_the_same_counts_the_same(self) -> None:
        with workload.listening():
            child = self.start(Child(lambda link: workload.work_here(STEPS)))
            workload.await_phase("parked", 1)
            workload.add(child.pid)
            workload.go(1)
            self.assertEqual(workload.counted(child.pid), workload.expected(STEPS))

    def test_the_threads_of_a_process_are_summed(self) -> None:
        with workload.listening():
            child = self.start(Child(self.work_in_threads))
            workload.await_phase("parked", 3)
            workload.add(child.pid)
            workload.control("go")
            workload.await_phase("done", 3)
            one = workload.expected(STEPS)
            self.assertEqual(workload.counted(child.pid), one + one + one)

    @staticmethod
    def work_in_threads(link: Link) -> None:
        threads = [threading.Thread(target=workload.work_here, args=(STEPS,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
