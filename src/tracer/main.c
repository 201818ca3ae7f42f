// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracer - counts kernel calls of chosen processes.
 *
 *   block.c	requested size of every block that a monitored process got
 *   process.c	the table of monitored processes, and their counters
 *   session.c	an open file, and the processes added through it
 *   record.c	what it tells of those that have ended
 *   tree.c	following processes into fork()
 *   monitor.c	adding and removing them, also when they end
 *   arming.c	the probes and tracepoints, armed while there are some
 *   symbol.c	the table: which symbols serve which function
 *   probe.c	the probes: each of them that the running kernel has
 *   engine.c	how the kernel is made to call us: kretprobe.c or ftrace.c
 *   trial.c	what a function of the kernel does where its name does not tell
 *   tracepoint.c  the tracepoints: of fork, of exit, and those of the engine
 *   handler.c	what a call of a probed function makes of the counters
 *   report.c	/proc/tracer
 *   device.c	/dev/tracer, with sysfs.c (its attributes) and access.c
 *              (whose processes a caller may monitor)
 *   debugfs.c	tracer/probes
 *
 * The device comes last and goes first: nobody can ask for anything while
 * another part is missing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>

#include "block.h"
#include "debugfs.h"
#include "device.h"
#include "engine.h"
#include "monitor.h"
#include "probe.h"
#include "process.h"
#include "report.h"
#include "session.h"
#include "tracepoint.h"

static int __init tracer_init(void)
{
	int err;

	err = tracer_engine_choose();
	if (err)
		return err;
	err = tracer_tracepoints_find();
	if (err)
		return err;
	err = tracer_blocks_create();
	if (err)
		return err;
	err = tracer_processes_create();
	if (err)
		goto destroy_blocks;
	err = tracer_sessions_create();
	if (err)
		goto destroy_processes;
	err = tracer_probes_register();
	if (err)
		goto destroy_sessions;
	err = tracer_report_create();
	if (err)
		goto unregister_probes;
	tracer_debugfs_create();
	err = tracer_device_register();
	if (err)
		goto destroy_report;

	pr_info("version %s loaded: %u probes by %s, up to %u processes, %lu tracked blocks\n",
		TRACER_VERSION, tracer_probes_count(), tracer_engine->name,
		tracer_processes_max(), tracer_blocks_capacity());
	return 0;

destroy_report:
	tracer_debugfs_destroy();
	tracer_report_destroy();
unregister_probes:
	tracer_probes_unregister();
destroy_sessions:
	tracer_sessions_destroy();
destroy_processes:
	tracer_processes_destroy();
destroy_blocks:
	tracer_blocks_destroy();
	return err;
}

static void __exit tracer_exit(void)
{
	tracer_device_unregister();
	tracer_debugfs_destroy();
	tracer_report_destroy();
	tracer_monitor_stop();
	tracer_probes_unregister();
	tracer_processes_destroy();
	/* The last process of a session leaves work to do. */
	tracer_sessions_destroy();
	tracer_blocks_destroy();
}

module_init(tracer_init);
module_exit(tracer_exit);

MODULE_DESCRIPTION("Counts kernel calls of chosen processes");
MODULE_LICENSE("GPL");
MODULE_VERSION(TRACER_VERSION);
