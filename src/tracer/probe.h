/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes: one kretprobe for each symbol of the table that the running
 * kernel has. Registered disabled at load, armed while somebody is monitored.
 */
#ifndef TRACER_PROBE_H
#define TRACER_PROBE_H

#include <linux/kprobes.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "symbol.h"

struct tracer_probe {
	struct kretprobe rp;
	const struct tracer_symbol *symbol;
	bool registered;
	bool skip_large; /* symbol->large is probed */
};

/*
 * Register every probe, disabled, and unregister.
 * Return: 0, or a negative errno after one line in the kernel log: -ENOENT if
 * a function has no symbol, -EOPNOTSUPP if kprobes cannot be used, -EBUSY if
 * they are switched off and a trial needs them, or what register_kretprobe()
 * returned.
 */
int tracer_probes_register(void);
void tracer_probes_unregister(void);

/*
 * Arm and disarm all. May sleep; the caller serialises.
 * Return: 0; -EBUSY if kprobes or ftrace are switched off; or what
 * enable_kretprobe() returned. On error nothing is left armed.
 */
int tracer_probes_arm(void);
void tracer_probes_disarm(void);

/* How many probes are registered. */
unsigned int tracer_probes_count(void);

/* Samples that the kernel could not take since load, over all probes. */
unsigned long tracer_probes_missed(void);

/* One line a probe: function, symbol, armed, missed. */
void tracer_probes_show(struct seq_file *m);

/* The probe that an instance belongs to; NULL while it is unregistered. */
static __always_inline const struct tracer_probe *
tracer_probe_of(const struct kretprobe *rp)
{
	return rp ? container_of(rp, struct tracer_probe, rp) : NULL;
}

#endif /* TRACER_PROBE_H */
