/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes: one for each symbol of the table that the running kernel has.
 * Prepared at load, armed while somebody is monitored. How is the engine's
 * business: see engine.h.
 */
#ifndef TRACER_PROBE_H
#define TRACER_PROBE_H

#include <linux/kprobes.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "symbol.h"

struct tracer_engine;

/* First what the handlers look at, the kprobe among it. */
struct tracer_probe {
	struct kretprobe rp; /* kretprobe.c */
	unsigned long head; /* ftrace.c: address of the call at its head */
	/* Copies from the tables, which spare the handlers the way there. */
	enum tracer_counter counter;
	bool skip_large; /* symbol->large is probed */
	bool count_only; /* the engine learns of its bytes in another way */

	const struct tracer_symbol *symbol;
	const struct tracer_engine *engine; /* NULL: the kernel has no such */
	const char *by; /* what the kernel calls us by, for debugfs */
};

/* In the order of tracer_symbols. */
extern struct tracer_probe tracer_probes[TRACER_MAX_SYMBOLS];

/*
 * The next probe that is prepared, after this one or NULL; of one engine, or
 * of any if @by is NULL. Return: NULL after the last.
 */
struct tracer_probe *tracer_next_probe(const struct tracer_probe *probe,
				       const struct tracer_engine *by);

#define tracer_for_each_probe(probe, by)                         \
	for (probe = tracer_next_probe(NULL, by); probe != NULL; \
	     probe = tracer_next_probe(probe, by))

/*
 * Prepare every probe, and release all.
 * Return: 0, or a negative errno after one line in the kernel log: -ENOENT if
 * a function has no symbol, -EOPNOTSUPP if this kernel's probes cannot be
 * used, -EBUSY if they are switched off and a trial needs them, or what the
 * kernel returned.
 */
int tracer_probes_register(void);
void tracer_probes_unregister(void);

/* Whether the kernel has this symbol and it is probed. */
bool tracer_is_probed(const char *symbol);

/* Whether a symbol that is probed passes its large requests on to this one. */
bool tracer_is_passed_large(const struct tracer_symbol *symbol);

/* Whether the function begins with a call, and not with a no-op. */
bool tracer_is_patched(unsigned long head);

/* How many probes there are. */
unsigned int tracer_probes_count(void);

/* Samples that the kernel could not take since load, over all probes. */
unsigned long tracer_probes_missed(void);

/* One line a probe: function, symbol, armed, missed, by what. */
void tracer_probes_show(struct seq_file *m);

#endif /* TRACER_PROBE_H */
