// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/tracer: a header and a line a process, in ascending order of PID.
 *
 * The file position is 0 for the header, else "the row with the lowest PID
 * not below this one", in the reader's PID namespace. So a reader who goes on
 * after others have come and gone neither loses nor repeats a process that
 * stayed. The table has no order of its own (the order of the numbers differs
 * between namespaces): rows are collected in batches of the lowest PIDs, each
 * by one walk, and live from start() to stop(), in one RCU read-side section.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/printk.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "access.h"
#include "process.h"
#include "report.h"

#define BATCH 256

struct row {
	pid_t nr; /* in the reader's PID namespace */
	const struct tracer_process *process;
};

/* One an open file; seq_file's own lock serialises its readers. */
struct batch {
	const struct file *opener;
	struct pid_namespace *ns;
	pid_t lowest; /* PIDs below are not collected */
	unsigned int count;
	unsigned int next;
	struct row rows[BATCH];
};

static bool is_visible(const struct batch *batch,
		       const struct tracer_process *process)
{
	struct task_struct *task = pid_task(process->pid, PIDTYPE_TGID);

	return task && tracer_may_monitor(batch->opener, task);
}

/* Keep the lowest PIDs, in ascending order. */
static void batch_collect(struct tracer_process *process, void *data)
{
	struct batch *batch = data;
	pid_t nr = pid_nr_ns(process->pid, batch->ns);
	unsigned int at = batch->count;

	/* 0: not in this namespace. */
	if (nr <= 0 || nr < batch->lowest)
		return;
	if (at == BATCH && nr >= batch->rows[BATCH - 1].nr)
		return;
	if (!is_visible(batch, process))
		return;
	while (at && batch->rows[at - 1].nr > nr)
		at--;
	/* One ended and the number came back, both since the walk began. */
	if (at && batch->rows[at - 1].nr == nr)
		return;
	if (batch->count < BATCH)
		batch->count++;
	memmove(&batch->rows[at + 1], &batch->rows[at],
		(batch->count - 1 - at) * sizeof(batch->rows[0]));
	batch->rows[at] = (struct row){ .nr = nr, .process = process };
}

/* Return: the row with the lowest PID not below @lowest, or NULL. */
static struct row *batch_fill(struct batch *batch, pid_t lowest)
{
	batch->lowest = lowest;
	batch->count = 0;
	batch->next = 1;
	tracer_processes_visit(batch_collect, batch);
	return batch->count ? &batch->rows[0] : NULL;
}

static void *report_start(struct seq_file *m, loff_t *pos)
{
	struct batch *batch = m->private;

	rcu_read_lock();
	batch->opener = m->file;
	batch->ns = task_active_pid_ns(current);
	batch->count = 0;
	batch->next = 0;
	if (*pos == 0)
		return SEQ_START_TOKEN;
	return *pos > INT_MAX ? NULL : batch_fill(batch, *pos);
}

static void *report_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct batch *batch = m->private;
	pid_t lowest = v == SEQ_START_TOKEN ? 1 : ((struct row *)v)->nr + 1;
	struct row *row = NULL;

	if (batch->next < batch->count)
		row = &batch->rows[batch->next++];
	else if (v == SEQ_START_TOKEN || batch->count == BATCH)
		row = batch_fill(batch, lowest);
	*pos = row ? row->nr : lowest;
	return row;
}

static void report_stop(struct seq_file *m, void *v)
{
	rcu_read_unlock();
}

/* Widths: the longest PID, 10^10 calls and 10^14 bytes stay aligned. */
static int report_show(struct seq_file *m, void *v)
{
	const struct row *row = v;
	struct tracer_counters sum;

	if (v == SEQ_START_TOKEN) {
		seq_printf(
			m,
			"%-7s %-10s %-10s %-14s %-14s %-10s %-10s %-10s %-10s %s\n",
			"PID", "kmalloc", "kfree", "kmalloc_mem", "kfree_mem",
			"sched", "up", "down", "lock", "unlock");
		return 0;
	}
	tracer_process_sum(row->process, &sum);
	seq_printf(
		m,
		"%-7d %-10llu %-10llu %-14llu %-14llu %-10llu %-10llu %-10llu %-10llu %llu\n",
		row->nr, sum.value[TRACER_KMALLOC], sum.value[TRACER_KFREE],
		sum.value[TRACER_KMALLOC_MEM], sum.value[TRACER_KFREE_MEM],
		sum.value[TRACER_SCHED], sum.value[TRACER_UP],
		sum.value[TRACER_DOWN], sum.value[TRACER_LOCK],
		sum.value[TRACER_UNLOCK]);
	return 0;
}

static const struct seq_operations report_ops = {
	.start = report_start,
	.next = report_next,
	.stop = report_stop,
	.show = report_show,
};

int tracer_report_create(void)
{
	if (proc_create_seq_private("tracer", 0444, NULL, &report_ops,
				    sizeof(struct batch), NULL))
		return 0;
	pr_err("cannot create /proc/tracer: out of memory, or something else has that name\n");
	return -ENOMEM;
}

void tracer_report_destroy(void)
{
	remove_proc_entry("tracer", NULL);
}
