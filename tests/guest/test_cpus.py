"""Each processor counts in memory of its own."""

from __future__ import annotations

import os
import threading

import device
import kmodule
import proctracer
import workload
from case import DEBUGFS, GuestTest
from proctracer import NAMES
from workload import Step


def counted_by(pid: int) -> dict[int, dict[str, int]]:
    """Give for each processor what it has counted for a process: column and value."""
    lines = (DEBUGFS / "cpus").read_text(encoding="ascii").splitlines()
    names = lines[0].split()[2:]
    rows = [[int(word) for word in line.split()] for line in lines[1:]]
    return {row[1]: dict(zip(names, row[2:])) for row in rows if row[0] == pid}


class Processors(GuestTest):
    def test_what_a_thread_calls_is_counted_where_it_runs_and_nowhere_else(self) -> None:
        """Counts of processors in threads bound to one each; their sum is the row."""
        processors = sorted(os.sched_getaffinity(0))
        self.assertGreater(len(processors), 1)
        counts = {cpu: 1000 * (index + 1) for index, cpu in enumerate(processors)}
        kmodule.load_built(workload.MODULE)
        pid = os.getpid()
        device.add(pid)
        self.addCleanup(device.outcome, device.remove, pid)
        before = counted_by(pid)
        threads = [threading.Thread(target=self.up_and_down, args=item) for item in counts.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = counted_by(pid)
        self.assertEqual(set(after), set(before))
        for column in ("up", "down"):
            grown = {cpu: after[cpu][column] - before[cpu][column] for cpu in after}
            self.assertEqual({cpu: grown[cpu] for cpu in counts}, counts, column)
            self.assertEqual(sum(grown.values()), sum(counts.values()), column)

    @staticmethod
    def up_and_down(cpu: int, count: int) -> None:
        os.sched_setaffinity(0, {cpu})
        workload.work_now([Step("up", count), Step("down", count)])

    def test_the_row_is_the_sum_over_all_processors(self) -> None:
        with workload.threads(1, [Step("lock", 300), Step("kmalloc", 200, 64)]) as (pid,):
            workload.add(pid)
            workload.go(1)
            by_processor = counted_by(pid)
            row = proctracer.row(pid)
        for column in NAMES:
            total = sum(counted[column] for counted in by_processor.values())
            self.assertEqual(total, getattr(row, column), column)
