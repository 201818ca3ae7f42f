// SPDX-License-Identifier: GPL-2.0-only
/*
 * From ADD to REMOVE or to the end of the last thread.
 *
 * A process that ends is removed by the sched_process_exit tracepoint, before
 * it is a zombie. ADD of a process that is ending cannot slip past it:
 *
 *	ADD				exit
 *	insert into the table		signal->live falls to 0 (full barrier)
 *	smp_mb()			look up in the table
 *	read signal->live
 *
 * Either the exit finds the entry, or ADD sees 0 and takes it back, or both
 * do and process_lock decides. This also covers a task that passed the
 * tracepoint before it was switched on: its signal->live was 0 by then.
 */
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "access.h"
#include "arming.h"
#include "monitor.h"
#include "process.h"
#include "record.h"
#include "session.h"

/* @task and @flags: see tracer_record_end(). */
static bool end_monitoring(struct tracer_process *process,
			   struct task_struct *task, u32 flags)
{
	if (!tracer_process_unlink(process))
		return false;
	tracer_record_end(process, task, flags);
	return true;
}

/* Return: whether it was monitored, and this call was the one to end that. */
static bool stop_monitoring(const struct signal_struct *signal,
			    struct task_struct *task)
{
	struct tracer_process *process;
	bool stopped;

	rcu_read_lock();
	process = tracer_process_find(signal);
	stopped = process && end_monitoring(process, task, 0);
	rcu_read_unlock();
	return stopped;
}

void tracer_monitor_handle_exit(TRACER_EXIT_PROTO)
{
	if (!atomic_read(&task->signal->live))
		stop_monitoring(task->signal, task);
}

/*
 * The leading task of a process that the caller may monitor, and its owner.
 * Return: the task with a reference taken, or -EINVAL, -ESRCH or -EPERM.
 */
static struct task_struct *leader_get(pid_t nr, struct tracer_owner *owner)
{
	struct task_struct *task;
	struct pid *pid;
	int err = 0;

	if (nr <= 0)
		return ERR_PTR(-EINVAL);
	rcu_read_lock();
	pid = find_vpid(nr);
	task = pid_task(pid, PIDTYPE_TGID);
	if (!task)
		err = pid_task(pid, PIDTYPE_PID) ? -EINVAL : -ESRCH;
	else if (!tracer_may_request(task, owner))
		err = -EPERM; /* nor is it told that it is a zombie */
	else if (!atomic_read(&task->signal->live))
		err = -ESRCH;
	else
		get_task_struct(task);
	rcu_read_unlock();
	return err ? ERR_PTR(err) : task;
}

static bool is_monitored(const struct signal_struct *signal)
{
	bool found;

	rcu_read_lock();
	found = tracer_process_find(signal);
	rcu_read_unlock();
	return found;
}

/*
 * The insertion is the last step that counts: a caller that adds itself must
 * not find our own mutex_unlock() among its calls. So the mutex is taken and
 * left before, with a place reserved that keeps the probes armed.
 */
static int add_task(struct tracer_session *session, struct task_struct *task,
		    const struct tracer_owner *owner, bool is_tree)
{
	struct tracer_process *process;
	bool may_exceed;
	int err;

	if (is_monitored(task->signal))
		return -EEXIST;
	err = tracer_place_take(is_tree, &may_exceed);
	if (err)
		return err;
	process = tracer_session_alloc_process(session);
	if (!process) {
		err = -ENOMEM;
		goto release_place;
	}
	process->is_tree = is_tree;
	process->may_exceed = may_exceed;
	err = is_tree ? tracer_session_prepare_spares(session) : 0;
	if (err)
		goto free_process;
	err = tracer_arm();
	if (err)
		goto free_process;
	tracer_process_identify(process, session, task);
	/* As it was allowed: it may have run a set-user-ID program since. */
	process->owner = *owner;
	err = tracer_process_insert(process);
	if (err)
		goto leave_session;

	smp_mb(); /* pairs with atomic_dec_and_test(&signal->live) of do_exit() */
	if (atomic_read(&task->signal->live))
		return 0;
	/*
	 * Looked up again: the exit may have removed and freed it meanwhile.
	 * Then it has been monitored, and there is a record that says so.
	 */
	return stop_monitoring(task->signal, NULL) ? -ESRCH : 0;

leave_session:
	tracer_record_end(process, NULL, 0);
free_process:
	tracer_process_free(process);
release_place:
	tracer_place_release();
	return err;
}

int tracer_monitor_add(struct tracer_session *session, pid_t nr, bool is_tree)
{
	struct tracer_owner owner;
	struct task_struct *task = leader_get(nr, &owner);
	int err;

	if (IS_ERR(task))
		return PTR_ERR(task);
	err = add_task(session, task, &owner, is_tree);
	put_task_struct(task);
	return err;
}

int tracer_monitor_remove(pid_t nr)
{
	struct tracer_owner owner;
	struct task_struct *task = leader_get(nr, &owner);
	bool removed;

	if (IS_ERR(task))
		return PTR_ERR(task);
	removed = stop_monitoring(task->signal, NULL);
	put_task_struct(task);
	if (!removed)
		return -ESRCH;
	tracer_disarm_if_idle();
	return 0;
}

static void remove_visited(struct tracer_process *process, void *session)
{
	struct task_struct *task;

	if (process->session != session)
		return;
	task = pid_task(process->pid, PIDTYPE_TGID);
	if (task) /* or it has been removed by its end meanwhile */
		end_monitoring(process, task, TRACER_RECORD_RUNNING);
}

void tracer_monitor_remove_all(struct tracer_session *session)
{
	atomic_inc(&session->stopping);
	/* What followed a child without seeing that has added it by now. */
	synchronize_rcu();
	rcu_read_lock();
	tracer_processes_visit(remove_visited, session);
	rcu_read_unlock();
	/* One that was ending first is out of the table before its record. */
	if (tracer_session_has_alive(session))
		synchronize_rcu();
	atomic_dec(&session->stopping);
	tracer_disarm_if_idle();
}

int tracer_monitor_has(struct tracer_session *session, pid_t nr)
{
	struct tracer_owner owner;
	struct task_struct *task = leader_get(nr, &owner);
	struct tracer_process *process;
	bool has;

	if (IS_ERR(task))
		return PTR_ERR(task);
	rcu_read_lock();
	process = tracer_process_find(task->signal);
	has = process && process->session == session;
	rcu_read_unlock();
	put_task_struct(task);
	return has ? 0 : -ESRCH;
}

static void unlink_visited(struct tracer_process *process, void *data)
{
	end_monitoring(process, NULL, 0);
}

void tracer_monitor_stop(void)
{
	rcu_read_lock();
	tracer_processes_visit(unlink_visited, NULL);
	rcu_read_unlock();
	tracer_disarm_for_good();
}
