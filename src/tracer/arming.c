// SPDX-License-Identifier: GPL-2.0-only
/* Arming: probes and tracepoints, all of them while somebody is monitored. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "arming.h"
#include "block.h"
#include "engine.h"
#include "process.h"
#include "tracepoint.h"

#define RETRY_MS 10 /* milliseconds, until there is memory again */

/*
 * Protects what follows, and makes arming and disarming one thing at a time.
 * Not the opposite of each other: where one went wrong, neither is true.
 */
static DEFINE_MUTEX(arm_mutex);
static bool all_armed;
static bool none_armed = true;
static bool is_stopping;

static int arm(void)
{
	int err;

	lockdep_assert_held(&arm_mutex);
	/* Nobody told of frees while nothing was armed. */
	tracer_blocks_clear();
	err = tracer_tracepoints_arm();
	if (err)
		return err;
	none_armed = false;
	err = tracer_engine->arm();
	if (err)
		tracer_tracepoints_disarm();
	else
		all_armed = true;
	return err;
}

/* Return: 0, or -ENOMEM: then it is to be tried again. */
static int disarm(void)
{
	int err;

	lockdep_assert_held(&arm_mutex);
	err = tracer_engine->disarm();
	if (all_armed)
		tracer_tracepoints_disarm();
	all_armed = false;
	none_armed = err != -ENOMEM;
	/* The numbers stay right, only the cost does not go away. */
	if (err && none_armed)
		pr_warn_ratelimited(
			"the probes stay armed (error %d): monitor some process once more\n",
			err);
	return none_armed ? 0 : err;
}

static int disarm_if_idle(void)
{
	int err = 0;

	mutex_lock(&arm_mutex);
	if (!none_armed &&
	    (!all_armed || is_stopping || !tracer_processes_count()))
		err = disarm();
	mutex_unlock(&arm_mutex);
	return err;
}

/*
 * Disarming takes memory, and kprobes lose count of what is armed where there
 * is none. So it is left to a task that the kernel does not kill for want of
 * memory, and whose small requests it therefore fulfils.
 */
static void disarm_idle(struct work_struct *work)
{
	while (disarm_if_idle())
		msleep(RETRY_MS);
}

static DECLARE_WORK(idle_work, disarm_idle);

void tracer_disarm_soon(void)
{
	schedule_work(&idle_work);
}

static void disarm_now(void)
{
	schedule_work(&idle_work);
	flush_work(&idle_work);
}

void tracer_disarm_if_idle(void)
{
	if (!tracer_processes_count())
		disarm_now();
}

void tracer_disarm_for_good(void)
{
	/* Whatever the count says: an exit may be between unlink and release. */
	mutex_lock(&arm_mutex);
	is_stopping = true;
	mutex_unlock(&arm_mutex);
	disarm_now();
	/* In this order: the tracepoint handler may queue the work item. */
	tracepoint_synchronize_unregister();
	cancel_work_sync(&idle_work);
}

int tracer_arm(void)
{
	int err = 0;

	mutex_lock(&arm_mutex);
	if (!all_armed) {
		/* Who left something armed may not have come to disarm it. */
		err = none_armed ? 0 : disarm();
		if (!err)
			err = arm();
	}
	mutex_unlock(&arm_mutex);
	if (err)
		disarm_now();
	return err;
}
