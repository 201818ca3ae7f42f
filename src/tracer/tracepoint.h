/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints that tracer listens to while somebody is monitored: those
 * that tell of processes, and those of the engine.
 */
#ifndef TRACER_TRACEPOINT_H
#define TRACER_TRACEPOINT_H

#include <linux/types.h>

struct tracepoint;

struct tracer_listener {
	const char *name; /* of the tracepoint */
	void *handler; /* of the type that the tracepoint wants */
	struct tracepoint *tracepoint;
};

/*
 * Find them all. Return: 0, or -EOPNOTSUPP if the kernel lacks one, said in
 * the kernel log.
 */
int tracer_tracepoints_find(void);

/*
 * Switch all on and off. May sleep; the caller serialises. Handlers may still
 * run until tracepoint_synchronize_unregister().
 * Return: 0 or a negative errno, with none left on.
 */
int tracer_tracepoints_arm(void);
void tracer_tracepoints_disarm(void);

#endif /* TRACER_TRACEPOINT_H */
