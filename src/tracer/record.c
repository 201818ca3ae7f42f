// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of processes that have ended. A record's memory is allocated with
 * its process, for the end of a process is no place to allocate; it is handed
 * to the session when the process ends, and freed when it has been read.
 */
#include <linux/build_bug.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "probe.h"
#include "process.h"
#include "record.h"

static_assert(sizeof(struct tracer_record) == 144);
static_assert(sizeof(struct tracer_counts) == sizeof(struct tracer_counters));

void tracer_ended_free(struct tracer_ended *ended)
{
	if (!ended)
		return;
	put_pid(ended->pid);
	put_pid(ended->parent);
	kfree(ended);
}

static int exit_status(const struct task_struct *last)
{
	const struct signal_struct *signal = last->signal;

	if (signal->flags & SIGNAL_GROUP_EXIT)
		return signal->group_exit_code;
	return last->group_leader->exit_code;
}

static void fill(struct tracer_record *record, struct tracer_process *process,
		 struct task_struct *task, u32 flags)
{
	struct tracer_counters sum;

	record->size = sizeof(*record);
	record->flags = flags;
	strscpy_pad(record->comm, task->group_leader->comm,
		    sizeof(record->comm));
	record->added_ns = process->added_ns;
	record->ended_ns = ktime_get_ns();
	record->missed = tracer_probes_missed() - process->missed_before;
	if (process->is_child)
		record->flags |= TRACER_RECORD_TREE;
	if (!tracer_may_read(&process->session->reader, &process->owner,
			     task)) {
		record->flags |= TRACER_RECORD_WITHHELD;
		return;
	}
	if (!(flags & TRACER_RECORD_RUNNING))
		record->exit_status = exit_status(task);
	tracer_process_sum(process, &sum);
	memcpy(&record->counts, &sum, sizeof(sum));
}

/* has_records() reads it without the lock. */
static void set_record_count(struct tracer_session *session, unsigned int count)
{
	lockdep_assert_held(&session->lock);
	WRITE_ONCE(session->record_count, count);
}

/* Return: what is taken out to make room, or NULL. */
static struct tracer_ended *queue(struct tracer_session *session,
				  struct tracer_ended *ended)
{
	struct tracer_ended *oldest;

	lockdep_assert_held(&session->lock);
	list_add_tail(&ended->node, &session->records);
	if (session->record_count < TRACER_RECORDS_MAX) {
		set_record_count(session, session->record_count + 1);
		return NULL;
	}
	oldest = list_first_entry(&session->records, struct tracer_ended, node);
	list_del(&oldest->node);
	session->lost++;
	return oldest;
}

void tracer_record_end(struct tracer_process *process, struct task_struct *task,
		       u32 flags)
{
	struct tracer_session *session = process->session;

	if (task)
		fill(&process->ended->record, process, task, flags);
	raw_spin_lock(&session->lock);
	session->alive--;
	/* What is not queued is freed with the process: here is no place to. */
	if (task && !session->closed)
		process->ended = queue(session, process->ended);
	tracer_session_wake(session);
	raw_spin_unlock(&session->lock);
}

/* The oldest record, with what was lost before it; NULL if none waits. */
static struct tracer_ended *take(struct tracer_session *session)
{
	struct tracer_ended *ended;

	raw_spin_lock(&session->lock);
	ended = list_first_entry_or_null(&session->records, struct tracer_ended,
					 node);
	if (ended) {
		list_del(&ended->node);
		set_record_count(session, session->record_count - 1);
		ended->record.lost = session->lost;
		ended->record.unfollowed = session->unfollowed;
		session->lost = 0;
		session->unfollowed = 0;
	}
	raw_spin_unlock(&session->lock);
	return ended;
}

static void put_back(struct tracer_session *session, struct tracer_ended *ended)
{
	raw_spin_lock(&session->lock);
	session->lost += ended->record.lost;
	session->unfollowed += ended->record.unfollowed;
	list_add(&ended->node, &session->records);
	set_record_count(session, session->record_count + 1);
	tracer_session_wake(session);
	raw_spin_unlock(&session->lock);
}

void tracer_records_drop(struct tracer_session *session)
{
	struct tracer_ended *ended;

	while ((ended = take(session)))
		tracer_ended_free(ended);
}

static bool is_at_end(struct tracer_session *session)
{
	bool at_end;

	raw_spin_lock(&session->lock);
	at_end = !session->alive && list_empty(&session->records);
	raw_spin_unlock(&session->lock);
	return at_end;
}

static bool has_records(const struct tracer_session *session)
{
	return READ_ONCE(session->record_count);
}

static bool copy_out(struct tracer_ended *ended, char __user *to)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	ended->record.pid = pid_nr_ns(ended->pid, ns);
	ended->record.ppid = pid_nr_ns(ended->parent, ns);
	return !copy_to_user(to, &ended->record, sizeof(ended->record));
}

ssize_t tracer_records_read(struct tracer_session *session, char __user *buffer,
			    size_t size, bool wait)
{
	const size_t one = sizeof(struct tracer_record);
	struct tracer_ended *ended;
	size_t done = 0;

	if (size < one)
		return -EINVAL;
	while (!(ended = take(session))) {
		if (is_at_end(session))
			return 0;
		if (!wait)
			return -EAGAIN;
		if (wait_event_interruptible(session->readers,
					     has_records(session) ||
						     is_at_end(session)))
			return -ERESTARTSYS;
	}
	for (; ended; ended = size - done >= one ? take(session) : NULL) {
		if (!copy_out(ended, buffer + done)) {
			put_back(session, ended);
			return done ? done : -EFAULT;
		}
		tracer_ended_free(ended);
		done += one;
	}
	return done;
}

__poll_t tracer_records_poll(struct tracer_session *session, struct file *file,
			     struct poll_table_struct *table)
{
	__poll_t events = 0;

	poll_wait(file, &session->readers, table);
	if (has_records(session))
		events |= EPOLLIN | EPOLLRDNORM;
	if (is_at_end(session))
		events |= EPOLLHUP;
	return events;
}
