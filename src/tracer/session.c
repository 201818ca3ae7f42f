// SPDX-License-Identifier: GPL-2.0-only
/* The life of a session, and its spare processes. Records: see record.c. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/memcontrol.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "process.h"
#include "record.h"
#include "session.h"

/* As many processes can be created before the work item comes to run. */
#define SPARES 256

static struct workqueue_struct *workqueue;

static void add_spare(struct tracer_session *session,
		      struct tracer_process *process)
{
	raw_spin_lock(&session->lock);
	list_add(&process->spare, &session->spares);
	WRITE_ONCE(session->spare_count, session->spare_count + 1);
	raw_spin_unlock(&session->lock);
}

struct tracer_process *
tracer_session_alloc_process(struct tracer_session *session)
{
	struct mem_cgroup *outer = tracer_charge_to(session->memcg);
	struct tracer_process *process = tracer_process_alloc();

	tracer_charge_to(outer);
	return process;
}

static void session_refill(struct work_struct *work)
{
	struct tracer_session *session;
	struct tracer_process *process;

	session = container_of(work, struct tracer_session, refill);
	while (READ_ONCE(session->spare_count) < SPARES) {
		process = tracer_session_alloc_process(session);
		if (!process)
			break;
		add_spare(session, process);
	}
}

static void session_wake(struct irq_work *work)
{
	struct tracer_session *session;

	session = container_of(work, struct tracer_session, wake);
	wake_up_interruptible_all(&session->readers);
}

void tracer_session_wake(struct tracer_session *session)
{
	lockdep_assert_held(&session->lock);
	if (!session->closed)
		irq_work_queue(&session->wake);
}

static void session_destroy(struct work_struct *work)
{
	struct tracer_process *spare, *next;
	struct tracer_session *session;

	session = container_of(work, struct tracer_session, destroy);
	cancel_work_sync(&session->refill);
	list_for_each_entry_safe(spare, next, &session->spares, spare)
		tracer_process_free(spare);
	tracer_reader_release(&session->reader);
	mem_cgroup_put(session->memcg);
	kfree(session);
}

struct tracer_session *tracer_session_create(struct file *file)
{
	struct tracer_session *session;

	session = kzalloc(sizeof(*session), TRACER_GFP_CHARGED);
	if (!session)
		return NULL;
	kref_init(&session->kref);
	tracer_reader_init(&session->reader, file);
	session->memcg = get_mem_cgroup_from_mm(current->mm);
	raw_spin_lock_init(&session->lock);
	INIT_LIST_HEAD(&session->records);
	INIT_LIST_HEAD(&session->spares);
	init_waitqueue_head(&session->readers);
	init_irq_work(&session->wake, session_wake);
	INIT_WORK(&session->refill, session_refill);
	INIT_WORK(&session->destroy, session_destroy);
	return session;
}

void tracer_session_close(struct tracer_session *session)
{
	raw_spin_lock(&session->lock);
	session->closed = true;
	raw_spin_unlock(&session->lock);
	/* Nobody queues it from here on. */
	irq_work_sync(&session->wake);
	tracer_records_drop(session);
	tracer_session_put(session);
}

void tracer_session_enter(struct tracer_session *session)
{
	kref_get(&session->kref);
	raw_spin_lock(&session->lock);
	session->alive++;
	raw_spin_unlock(&session->lock);
}

bool tracer_session_has_alive(struct tracer_session *session)
{
	bool has_alive;

	raw_spin_lock(&session->lock);
	has_alive = session->alive;
	raw_spin_unlock(&session->lock);
	return has_alive;
}

static void session_release(struct kref *kref)
{
	struct tracer_session *session;

	session = container_of(kref, struct tracer_session, kref);
	queue_work(workqueue, &session->destroy);
}

void tracer_session_put(struct tracer_session *session)
{
	kref_put(&session->kref, session_release);
}

int tracer_session_prepare_spares(struct tracer_session *session)
{
	session_refill(&session->refill);
	return READ_ONCE(session->spare_count) ? 0 : -ENOMEM;
}

struct tracer_process *tracer_session_take_spare(struct tracer_session *session)
{
	struct tracer_process *spare;
	unsigned int left;

	raw_spin_lock(&session->lock);
	spare = list_first_entry_or_null(&session->spares,
					 struct tracer_process, spare);
	if (spare) {
		list_del(&spare->spare);
		WRITE_ONCE(session->spare_count, session->spare_count - 1);
	}
	left = session->spare_count;
	raw_spin_unlock(&session->lock);
	if (left < SPARES / 2)
		queue_work(workqueue, &session->refill);
	return spare;
}

int tracer_sessions_create(void)
{
	workqueue = alloc_workqueue("tracer", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (workqueue)
		return 0;
	pr_err("no memory for a workqueue: load again when there is some\n");
	return -ENOMEM;
}

void tracer_sessions_destroy(void)
{
	destroy_workqueue(workqueue);
}
