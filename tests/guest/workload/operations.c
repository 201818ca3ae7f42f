// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations on locks and on the task, one function each, and the look-up
 * of all. What the test expects of an operation is in workload.py.
 */
#include <linux/sched.h>
#include <linux/string.h>

#include "workload.h"

/* Waits for the next "go" as it waits for the first. */
static int run_pause(struct worker *worker, size_t size)
{
	worker_park(worker, PHASE_PARKED, false);
	return 0;
}

static int run_pause_rudely(struct worker *worker, size_t size)
{
	worker_park(worker, PHASE_PARKED, true);
	return 0;
}

static int run_schedule(struct worker *worker, size_t size)
{
	schedule();
	return 0;
}

/* From here on the worker is a real-time task; it must not wait as one. */
static int run_fifo(struct worker *worker, size_t size)
{
	sched_set_fifo(current);
	return 0;
}

static int run_nice(struct worker *worker, size_t nice)
{
	sched_set_normal(current, nice);
	return 0;
}

static int run_up(struct worker *worker, size_t size)
{
	up(&worker->semaphore);
	return 0;
}

static int run_down(struct worker *worker, size_t size)
{
	return down_interruptible(&worker->semaphore);
}

static int run_lock(struct worker *worker, size_t size)
{
	mutex_lock(&worker->mutex);
	mutex_unlock(&worker->mutex);
	return 0;
}

/* mutex_trylock() is not counted, so that unlock can differ from lock. */
static int run_unlock(struct worker *worker, size_t size)
{
	if (!mutex_trylock(&worker->mutex))
		return -EBUSY;
	mutex_unlock(&worker->mutex);
	return 0;
}

static const struct operation operations[] = {
	{ "pause", run_pause },	      { "pause_rudely", run_pause_rudely },
	{ "schedule", run_schedule }, { "fifo", run_fifo },
	{ "nice", run_nice },	      { "up", run_up },
	{ "down", run_down },	      { "lock", run_lock },
	{ "unlock", run_unlock },     {},
};

static const struct operation *find(const struct operation *table,
				    const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

const struct operation *operation_find(const char *name)
{
	return find(operations, name) ?: find(allocations, name);
}
