// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints: which, and who handles them. Most are not exported to
 * modules, so they are found by name.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "engine.h"
#include "monitor.h"
#include "tracepoint.h"
#include "tree.h"

static struct tracer_listener of_processes[] = {
	{ .name = "sched_process_fork", .handler = tracer_tree_handle_fork },
	{ .name = "sched_process_exit", .handler = tracer_monitor_handle_exit },
	{},
};

static void match_name(struct tracepoint *tracepoint, void *data)
{
	struct tracer_listener *listener;

	for (listener = data; listener->name; listener++)
		if (!strcmp(tracepoint->name, listener->name))
			listener->tracepoint = tracepoint;
}

static int find(struct tracer_listener *listeners)
{
	struct tracer_listener *listener;

	for_each_kernel_tracepoint(match_name, listeners);
	for (listener = listeners; listener->name; listener++) {
		if (listener->tracepoint)
			continue;
		pr_err("this kernel has no %s tracepoint: use one built with CONFIG_TRACEPOINTS=y\n",
		       listener->name);
		return -EOPNOTSUPP;
	}
	return 0;
}

int tracer_tracepoints_find(void)
{
	return find(of_processes) ?: find(tracer_engine->listeners);
}

/* Up to @end, which NULL makes all. */
static void disarm(struct tracer_listener *listeners,
		   const struct tracer_listener *end)
{
	struct tracer_listener *listener;

	for (listener = listeners; listener->name && listener != end;
	     listener++)
		tracepoint_probe_unregister(listener->tracepoint,
					    listener->handler, NULL);
}

static int arm(struct tracer_listener *listeners)
{
	struct tracer_listener *listener;
	int err;

	for (listener = listeners; listener->name; listener++) {
		err = tracepoint_probe_register(listener->tracepoint,
						listener->handler, NULL);
		if (err) {
			disarm(listeners, listener);
			return err;
		}
	}
	return 0;
}

int tracer_tracepoints_arm(void)
{
	int err = arm(of_processes);

	if (err)
		return err;
	err = arm(tracer_engine->listeners);
	if (err)
		disarm(of_processes, NULL);
	return err;
}

void tracer_tracepoints_disarm(void)
{
	disarm(tracer_engine->listeners, NULL);
	disarm(of_processes, NULL);
}
