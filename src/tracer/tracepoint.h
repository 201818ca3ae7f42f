/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints that tracer listens to while somebody is monitored. They
 * count nothing: counting is the business of the kretprobes (probe.h).
 */
#ifndef TRACER_TRACEPOINT_H
#define TRACER_TRACEPOINT_H

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
