/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An engine makes the kernel call the handlers: kretprobe.c, or ftrace.c. Both
 * give the same numbers; which one is used is chosen at load.
 */
#ifndef TRACER_ENGINE_H
#define TRACER_ENGINE_H

#include <linux/types.h>

#include "probe.h"
#include "tracepoint.h"

struct tracer_engine {
	const char *name;

	/* Tracepoints that it listens to while armed. Ends with no name. */
	struct tracer_listener *listeners;

	/*
	 * Find the symbol of a probe, make it ready and set probe->engine
	 * and probe->by.
	 * Return: 0, -ENOENT if the kernel has no such symbol, or another
	 * negative errno after one line in the kernel log.
	 */
	int (*prepare)(struct tracer_probe *probe);

	/* Undo prepare() for every probe of the engine, in one batch. */
	void (*release)(void);

	/*
	 * Arm and disarm all its probes. May sleep; the caller serialises.
	 * After disarm() no handler runs any more.
	 * Return: 0; -EBUSY if kprobes or ftrace are switched off; or what the
	 * kernel returned. On error some probes may be armed, until disarm()
	 * says 0.
	 */
	int (*arm)(void);
	int (*disarm)(void);

	/* Of one probe: whether it is armed, and samples missed since load. */
	bool (*is_armed)(const struct tracer_probe *probe);
	unsigned long (*missed)(const struct tracer_probe *probe);
};

/* The one in use. Set once, by tracer_engine_choose(). */
extern const struct tracer_engine *tracer_engine;

extern const struct tracer_engine tracer_kretprobe_engine;
extern const struct tracer_engine tracer_ftrace_engine;

/*
 * Take the engine that the module parameter names.
 * Return: 0; -EINVAL if there is none of that name; -EOPNOTSUPP if the kernel
 * cannot. Each is said in one line of the kernel log.
 */
int tracer_engine_choose(void);

#endif /* TRACER_ENGINE_H */
