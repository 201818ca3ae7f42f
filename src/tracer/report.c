// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/tracer: a header and a line a process, in ascending order of PID.
 *
 * The file position is 0 for the header, else "the row with the lowest PID
 * not below this one", in the reader's PID namespace. So a reader who goes on
 * after others have come and gone neither loses nor repeats a process that
 * stayed. The order of the numbers differs between namespaces: a reader who
 * begins gets a list of his own, sorted, of who is monitored then. Each row of
 * it is looked up again when it is written, and left out if it has ended, or
 * if the reader may not see it any more.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/printk.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "access.h"
#include "compat.h"
#include "process.h"
#include "report.h"

/* Bytes: a column has at most 20 digits and a blank. */
#define LONGEST_LINE ((TRACER_NR_COUNTERS + 1) * 21)

/* Entries beyond those who are counted, for who is added meanwhile. */
#define SPARE_ROWS 64

struct row {
	pid_t nr; /* in the reader's PID namespace */
	const struct signal_struct *signal; /* never dereferenced */
	u64 id;
};

/* Of an open file; seq_file's own lock serialises its readers. */
struct report {
	struct pid_namespace *ns; /* never dereferenced: only compared */
	struct row *rows;
	size_t count;
	size_t size;
	bool is_sorted;
	bool is_full;
	size_t at; /* the row to be written */
	const struct tracer_process *process; /* which is this one */
};

static void collect(struct tracer_process *process, void *data)
{
	struct report *report = data;
	struct row *row = &report->rows[report->count];
	pid_t nr = pid_nr_ns(process->pid, report->ns);

	if (nr <= 0) /* not in this namespace */
		return;
	if (report->count == report->size) {
		report->is_full = true;
		return;
	}
	*row = (struct row){ nr, process->signal, process->id };
	if (report->count && row[-1].nr >= nr)
		report->is_sorted = false;
	report->count++;
}

/* Where one ended and its number came back, the later one is the second. */
static int compare(const void *a, const void *b)
{
	const struct row *first = a, *second = b;

	if (first->nr != second->nr)
		return first->nr < second->nr ? -1 : 1;
	return first->id < second->id ? -1 : first->id > second->id;
}

static int resize(struct report *report)
{
	size_t size = tracer_processes_count() + SPARE_ROWS;

	if (size <= report->size && !report->is_full)
		return 0;
	kvfree(report->rows);
	report->size = 0;
	report->rows =
		kvmalloc_array(size, sizeof(struct row), GFP_KERNEL_ACCOUNT);
	if (!report->rows)
		return -ENOMEM;
	report->size = size;
	return 0;
}

/* Make the list anew. May sleep. Return: 0 or -ENOMEM. */
static int list_processes(struct report *report)
{
	report->ns = task_active_pid_ns(current);
	do {
		report->count = 0;
		if (resize(report))
			return -ENOMEM;
		report->is_full = false;
		report->is_sorted = true;
		rcu_read_lock();
		tracer_processes_visit(collect, report);
		rcu_read_unlock();
	} while (report->is_full);
	if (!report->is_sorted)
		sort(report->rows, report->count, sizeof(struct row), compare,
		     NULL);
	return 0;
}

/* The first row whose PID is not below. */
static size_t find_row(const struct report *report, pid_t lowest)
{
	size_t low = 0, high = report->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (report->rows[middle].nr < lowest)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A namespace may have come to be where another was: hence the number. */
static bool is_visible(const struct file *opener, const struct row *row,
		       const struct tracer_process *process)
{
	struct task_struct *task = pid_task(process->pid, PIDTYPE_TGID);

	return task && task_tgid_vnr(task) == row->nr &&
	       tracer_may_monitor(opener, task);
}

/* From report->at on, the next row that there is to write; or NULL. */
static struct report *find_next(struct seq_file *m, loff_t *pos)
{
	struct report *report = m->private;

	for (; report->at < report->count; report->at++) {
		const struct row *row = &report->rows[report->at];

		report->process = tracer_process_find_id(row->signal, row->id);
		if (!report->process ||
		    !is_visible(m->file, row, report->process))
			continue;
		*pos = row->nr;
		return report;
	}
	return NULL;
}

static void *report_start(struct seq_file *m, loff_t *pos)
	__acquires_shared(RCU)
{
	struct report *report = m->private;
	int err = 0;

	if (*pos == 0 || report->ns != task_active_pid_ns(current))
		err = list_processes(report);
	rcu_read_lock();
	if (err)
		return ERR_PTR(err);
	report->at = 0;
	if (*pos == 0)
		return SEQ_START_TOKEN;
	if (*pos > INT_MAX)
		return NULL;
	report->at = find_row(report, *pos);
	return find_next(m, pos);
}

static void *report_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct report *report = m->private;
	loff_t last = *pos;
	void *next;

	if (v != SEQ_START_TOKEN)
		report->at++;
	next = find_next(m, pos);
	if (!next)
		*pos = last + 1;
	return next;
}

static void report_stop(struct seq_file *m, void *v) __releases_shared(RCU)
{
	rcu_read_unlock();
}

/*
 * A number onto blanks. seq_printf() would spend most of a row on its format,
 * and some read ten thousand rows every second.
 * Return: where the next column of that width begins, after one blank or more.
 */
static char *put_column(char *at, u64 value, size_t width)
{
	char digits[20]; /* of 2^64 */
	size_t count = 0, i;

	do {
		u64 rest = value;

		value = div_u64(value, 10);
		digits[count++] = '0' + (rest - value * 10);
	} while (value);
	for (i = 0; i < count; i++)
		at[i] = digits[count - 1 - i];
	return at + max(count, width) + 1;
}

static int show_header(struct seq_file *m)
{
	seq_printf(m,
		   "%-7s %-10s %-10s %-14s %-14s %-10s %-10s %-10s %-10s %s\n",
		   "PID", "kmalloc", "kfree", "kmalloc_mem", "kfree_mem",
		   "sched", "up", "down", "lock", "unlock");
	return 0;
}

/* Widths: the longest PID, 10^10 calls and 10^14 bytes stay aligned. */
static int report_show(struct seq_file *m, void *v)
{
	static const u8 widths[TRACER_NR_COUNTERS] = { 10, 10, 14, 14, 10,
						       10, 10, 10, 0 };
	const struct report *report = v;
	struct tracer_counters sum;
	char *line, *end;
	int i;

	if (v == SEQ_START_TOKEN)
		return show_header(m);
	if (seq_get_buf(m, &line) < LONGEST_LINE || !line) {
		seq_commit(m, -1); /* this row comes first in another buffer */
		return 0;
	}
	tracer_process_sum(report->process, &sum);
	memset(line, ' ', LONGEST_LINE);
	end = put_column(line, report->rows[report->at].nr, 7);
	for (i = 0; i < TRACER_NR_COUNTERS; i++)
		end = put_column(end, sum.value[i], widths[i]);
	end[-1] = '\n';
	seq_commit(m, end - line);
	return 0;
}

static const struct seq_operations report_ops = {
	.start = report_start,
	.next = report_next,
	.stop = report_stop,
	.show = report_show,
};

static int report_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &report_ops, sizeof(struct report));
}

static int report_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct report *report = m->private;

	kvfree(report->rows);
	return seq_release_private(inode, file);
}

static const struct proc_ops report_proc_ops = {
	.proc_open = report_open,
	.proc_read = seq_read,
	.proc_read_iter = seq_read_iter,
	.proc_lseek = seq_lseek,
	.proc_release = report_release,
};

int tracer_report_create(void)
{
	if (proc_create("tracer", 0444, NULL, &report_proc_ops))
		return 0;
	pr_err("cannot create /proc/tracer: out of memory, or something else has that name\n");
	return -ENOMEM;
}

void tracer_report_destroy(void)
{
	remove_proc_entry("tracer", NULL);
}
