/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: one open file of /dev/tracer, and the processes that were added
 * through it. It outlives the file as long as one of these is monitored, for
 * the trees among them go on growing.
 */
#ifndef TRACER_SESSION_H
#define TRACER_SESSION_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "access.h"

struct mem_cgroup;
struct tracer_process;

/*
 * For memory that somebody's memory cgroup is charged with. Where that has no
 * more to give, the allocation fails: the kernel would else kill one of its
 * processes, which is too much for counting what they do.
 */
#define TRACER_GFP_CHARGED \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

struct tracer_session {
	struct kref kref; /* of the open file, and of each process */
	struct tracer_reader reader;
	struct mem_cgroup *memcg; /* of who opened it, and pays */
	atomic_t stopping; /* tracer_monitor_remove_all()s at work */

	/* Raw: taken in tracepoint handlers, where PREEMPT_RT must not sleep. */
	raw_spinlock_t lock;
	/* lock protects from here... */
	struct list_head records; /* of processes that ended, not yet read */
	unsigned int record_count;
	u64 lost; /* records dropped since the last one that was read */
	u32 unfollowed; /* processes not followed since then */
	unsigned int alive; /* processes of this session that are monitored */
	bool closed; /* nobody reads any more */
	struct list_head spares; /* processes to be, for tree.c */
	unsigned int spare_count;
	/* ...to here. */

	wait_queue_head_t readers;
	struct irq_work wake; /* a waker takes locks that sleep on PREEMPT_RT */
	struct work_struct refill;
	struct work_struct destroy;
};

/* Start and stop: what the sessions share. Return: 0 or -ENOMEM. */
int tracer_sessions_create(void);
void tracer_sessions_destroy(void);

/* Return: a session with the file's reference, or NULL if out of memory. */
struct tracer_session *tracer_session_create(struct file *file);

/* The file goes: what waits to be read is freed, processes stay monitored. */
void tracer_session_close(struct tracer_session *session);

/* One process more is monitored, which gets a reference. */
void tracer_session_enter(struct tracer_session *session);
/* Whether any is, or its record is not there yet. */
bool tracer_session_has_alive(struct tracer_session *session);
/* Also in atomic context: what is left to do is done by a work item. */
void tracer_session_put(struct tracer_session *session);

/* Whoever waits for records looks again. With the session's lock held. */
void tracer_session_wake(struct tracer_session *session);

/*
 * Memory for a process, paid for by who opened the file. May sleep.
 * Return: NULL if out of memory.
 */
struct tracer_process *
tracer_session_alloc_process(struct tracer_session *session);

/*
 * Spare processes, allocated beforehand: a process is followed into fork() in
 * atomic context. prepare() allocates the first ones; it may sleep, and
 * returns 0 or -ENOMEM. take() returns NULL if there is none left; it is for
 * atomic context, and has more made.
 */
int tracer_session_prepare_spares(struct tracer_session *session);
struct tracer_process *
tracer_session_take_spare(struct tracer_session *session);

#endif /* TRACER_SESSION_H */
