/* SPDX-License-Identifier: GPL-2.0-only */
/* What the running kernel's functions do, where their names do not tell. */
#ifndef TRACER_TRIAL_H
#define TRACER_TRIAL_H

/*
 * Whether kvmalloc() takes a small block by calling kmalloc_node(), or
 * allocates by itself. May sleep.
 *
 * Return: 1 if it calls, 0 if not; -EBUSY if kprobes or ftrace are switched
 * off, -ENOENT if kmalloc_node() has another symbol here, or an error of
 * register_kprobe().
 */
int tracer_trial_kvmalloc(void);

#endif /* TRACER_TRIAL_H */
