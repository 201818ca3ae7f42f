// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees: a process whose parent is of a tree is added when it is created.
 *
 * That is in atomic context, so its memory is there beforehand: see session.c.
 * The parent may be removed at the same time; the child is then added before
 * that, or not at all.
 */
#include <linux/atomic.h>
#include <linux/sched/signal.h>

#include "process.h"
#include "record.h"
#include "session.h"
#include "tree.h"

static atomic_long_t unfollowed = ATOMIC_LONG_INIT(0);

static void count_unfollowed(struct tracer_session *session)
{
	atomic_long_inc(&unfollowed);
	raw_spin_lock(&session->lock);
	session->unfollowed++;
	raw_spin_unlock(&session->lock);
}

static void follow(struct tracer_process *parent, struct task_struct *task)
{
	struct tracer_session *session = parent->session;
	struct tracer_process *child;
	int err;

	if (atomic_read(&session->stopping))
		return;
	child = tracer_session_take_spare(session);
	if (!child) {
		count_unfollowed(session);
		return;
	}
	tracer_process_identify(child, session, task);
	/* Born of a set-user-ID program it is not whose tree this is, either. */
	child->owner = parent->owner;
	child->is_tree = true;
	child->is_child = true;
	/* Asked of who added the tree, as here runs whoever forks. */
	child->may_exceed = parent->may_exceed;
	err = tracer_process_insert_child(child, parent);
	if (!err)
		return;
	tracer_record_end(child, NULL, 0);
	tracer_process_free_later(child);
	/* Not if the parent was removed first: its tree ends with it. */
	if (err != -ESRCH)
		count_unfollowed(session);
}

void tracer_tree_handle_fork(void *data, struct task_struct *parent,
			     struct task_struct *child)
{
	struct tracer_process *process;

	if (child->signal == parent->signal)
		return; /* a thread */
	rcu_read_lock();
	process = tracer_process_find(parent->signal);
	if (process && process->is_tree)
		follow(process, child);
	rcu_read_unlock();
}

unsigned long tracer_unfollowed(void)
{
	return atomic_long_read(&unfollowed);
}
