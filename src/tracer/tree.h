/* SPDX-License-Identifier: GPL-2.0-only */
/* Following processes of trees into fork(). */
#ifndef TRACER_TREE_H
#define TRACER_TREE_H

#include <linux/sched.h>

/*
 * Handler of the sched_process_fork tracepoint: adds the child of a process
 * of a tree, which has not run yet. Preemption or migration is off, no
 * sleeping.
 */
void tracer_tree_handle_fork(void *data, struct task_struct *parent,
			     struct task_struct *child);

/* Children that could not be followed, since load. */
unsigned long tracer_unfollowed(void);

#endif /* TRACER_TREE_H */
