// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/tracer: probes, one line a probe, and cpus, what each
 * processor has counted.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "probe.h"
#include "process.h"

static struct dentry *directory;

static int probes_show(struct seq_file *m, void *v)
{
	tracer_probes_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(probes);

/* A line a process and processor; PIDs are those of the first namespace. */
static void show_process(struct tracer_process *process, void *data)
{
	struct tracer_counters counters;
	struct seq_file *m = data;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		tracer_process_read_cpu(process, cpu, &counters);
		seq_printf(m, "%d %d", pid_nr(process->pid), cpu);
		for (i = 0; i < TRACER_NR_COUNTERS; i++)
			seq_printf(m, " %llu", counters.value[i]);
		seq_putc(m, '\n');
	}
}

static int cpus_show(struct seq_file *m, void *v)
{
	seq_puts(
		m,
		"PID CPU kmalloc kfree kmalloc_mem kfree_mem sched up down lock unlock\n");
	rcu_read_lock();
	tracer_processes_visit(show_process, m);
	rcu_read_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(cpus);

void tracer_debugfs_create(void)
{
	directory = debugfs_create_dir("tracer", NULL);
	debugfs_create_file("probes", 0444, directory, NULL, &probes_fops);
	debugfs_create_file("cpus", 0400, directory, NULL, &cpus_fops);
}

void tracer_debugfs_destroy(void)
{
	debugfs_remove(directory);
}
