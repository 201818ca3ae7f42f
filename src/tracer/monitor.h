/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Monitoring: from ADD to REMOVE or to the end of the last thread, with the
 * probes armed in between.
 */
#ifndef TRACER_MONITOR_H
#define TRACER_MONITOR_H

#include <linux/types.h>

#include "compat.h"

struct tracer_session;

/*
 * Start and stop monitoring the process that the caller's PID namespace
 * numbers @nr. @is_tree: its descendants, too, when they are created.
 * May sleep. Return: 0 or the negative errno of tracer.h.
 */
int tracer_monitor_add(struct tracer_session *session, pid_t nr, bool is_tree);
int tracer_monitor_remove(pid_t nr);
/*
 * Remove all processes of the session. Each leaves a record, and all of these
 * wait to be read when this returns. May sleep.
 */
void tracer_monitor_remove_all(struct tracer_session *session);
/* Return: 0 if the session has this process, or the errno of tracer.h. */
int tracer_monitor_has(struct tracer_session *session, pid_t nr);

/* Remove every process and disarm. After it nobody may add one. */
void tracer_monitor_stop(void);

/*
 * Handler of the sched_process_exit tracepoint: removes a process with its
 * last thread. Preemption or migration is off, no sleeping.
 */
void tracer_monitor_handle_exit(TRACER_EXIT_PROTO);

#endif /* TRACER_MONITOR_H */
