/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of processes that have ended: kept by a session, read from its file. */
#ifndef TRACER_RECORD_H
#define TRACER_RECORD_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/sched.h>

#include "session.h"
#include "tracer.h"

struct tracer_process;

/* Allocated together with the process that it is going to be of. */
struct tracer_ended {
	struct list_head node; /* session->lock */
	struct pid *pid; /* of the thread group */
	struct pid *parent;
	struct tracer_record record; /* all but the numbers of the PIDs */
};

void tracer_ended_free(struct tracer_ended *ended);

/*
 * A process of the session is not monitored any more: @task is the last thread
 * of one that ends, or with TRACER_RECORD_RUNNING in @flags the leader of one
 * that runs, and its record is kept; NULL: it leaves none. By who has unlinked
 * it, in the same RCU read-side section; in atomic context too.
 */
void tracer_record_end(struct tracer_process *process, struct task_struct *task,
		       u32 flags);

/* Free all that wait. */
void tracer_records_drop(struct tracer_session *session);

/* What read(2) and poll(2) of the session's file return. */
ssize_t tracer_records_read(struct tracer_session *session, char __user *buffer,
			    size_t size, bool wait);
__poll_t tracer_records_poll(struct tracer_session *session, struct file *file,
			     struct poll_table_struct *table);

#endif /* TRACER_RECORD_H */
