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

#include "handler.h"
#include "monitor.h"
#include "tracepoint.h"
#include "tree.h"

static struct {
	const char *name;
	void *handler;
	struct tracepoint *tracepoint;
} listeners[] = {
	{ .name = "sched_process_fork", .handler = tracer_tree_handle_fork },
	{ .name = "sched_process_exit", .handler = tracer_monitor_handle_exit },
	{ .name = "kfree", .handler = tracer_handle_kfree_event },
};

static void match_name(struct tracepoint *tracepoint, void *data)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(listeners); i++)
		if (!strcmp(tracepoint->name, listeners[i].name))
			listeners[i].tracepoint = tracepoint;
}

int tracer_tracepoints_find(void)
{
	size_t i;

	for_each_kernel_tracepoint(match_name, NULL);
	for (i = 0; i < ARRAY_SIZE(listeners); i++) {
		if (listeners[i].tracepoint)
			continue;
		pr_err("this kernel has no %s tracepoint: use one built with CONFIG_TRACEPOINTS=y\n",
		       listeners[i].name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static void disarm_first(size_t count)
{
	while (count--)
		tracepoint_probe_unregister(listeners[count].tracepoint,
					    listeners[count].handler, NULL);
}

int tracer_tracepoints_arm(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(listeners); i++) {
		err = tracepoint_probe_register(listeners[i].tracepoint,
						listeners[i].handler, NULL);
		if (err) {
			disarm_first(i);
			return err;
		}
	}
	return 0;
}

void tracer_tracepoints_disarm(void)
{
	disarm_first(ARRAY_SIZE(listeners));
}
