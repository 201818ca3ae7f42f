// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker is a task that waits, works through its steps, waits again and
 * ends. It waits by spinning, so that between "parked" and "done" it makes no
 * counted call but those of its steps: giving way in cond_resched() goes to
 * __schedule(), which is not the schedule() that is counted.
 */
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "workload.h"

static LIST_HEAD(workers);
static DEFINE_MUTEX(workers_lock); /* the list; not taken while working */

static enum phase worker_phase(struct worker *worker)
{
	/* pairs with worker_enter() */
	return smp_load_acquire(&worker->phase);
}

static void worker_enter(struct worker *worker, enum phase phase)
{
	/* what was done before is seen by who sees the phase */
	smp_store_release(&worker->phase, phase);
}

static bool worker_ending(struct worker *worker)
{
	return READ_ONCE(worker->ending) || fatal_signal_pending(current);
}

/*
 * Spin in @phase until somebody changes it, or it is time to end; if @rudely,
 * as a task for which synchronize_rcu_tasks() waits until then.
 */
void worker_park(struct worker *worker, enum phase phase, bool rudely)
{
	worker_enter(worker, phase);
	while (worker_phase(worker) == phase && !worker_ending(worker)) {
		cpu_relax();
		if (!rudely)
			cond_resched_tasks_rcu_qs();
		else
			cond_resched();
	}
}

static int step_work(struct worker *worker, const struct step *step)
{
	int error;

	for (unsigned int i = 0; i < step->count; i++) {
		error = step->operation->run(worker, step->size);
		if (error)
			return error;
	}
	return 0;
}

static void steps_work(struct worker *worker)
{
	for (unsigned int i = 0; i < worker->step_count; i++) {
		if (worker->error || worker_ending(worker))
			break;
		worker->error = step_work(worker, &worker->steps[i]);
	}
}

static void worker_work(struct worker *worker)
{
	/* Leave the processors to whoever watches. */
	set_user_nice(current, MAX_NICE);
	worker_park(worker, PHASE_PARKED, false);
	steps_work(worker);
	worker_park(worker, PHASE_DONE, false);
}

static int worker_thread(void *data)
{
	worker_work(data);
	return 0;
}

/* One step: OPERATION[:COUNT[:SIZE]]. */
static int worker_add_step(struct worker *worker, char *word)
{
	struct step *step = &worker->steps[worker->step_count];
	char *name = strsep(&word, ":");
	char *count = strsep(&word, ":");

	if (worker->step_count == WORKER_STEPS)
		return -E2BIG;
	step->operation = operation_find(name);
	if (!step->operation)
		return -EINVAL;
	step->count = 1;
	if (count && kstrtouint(count, 10, &step->count))
		return -EINVAL;
	if (word && kstrtoul(word, 10, &step->size))
		return -EINVAL;
	worker->step_count++;
	return allocation_prepare(worker, step);
}

static void worker_destroy(struct worker *worker)
{
	blocks_destroy(&worker->foreign);
	blocks_destroy(&worker->own);
	kfree(worker);
}

/* Return: a worker that has no task yet, or an error pointer. */
static struct worker *worker_create(const char *command)
{
	struct worker *worker = kzalloc(sizeof(*worker), GFP_KERNEL);
	char *copy, *words, *word;
	int error = -ENOMEM;

	if (!worker)
		return ERR_PTR(-ENOMEM);
	sema_init(&worker->semaphore, INT_MAX / 2);
	mutex_init(&worker->mutex);
	words = kstrdup(command, GFP_KERNEL);
	copy = words;
	if (!words || blocks_create(&worker->own) ||
	    blocks_create(&worker->foreign))
		goto err_destroy;
	while ((word = strsep(&words, " "))) {
		error = *word ? worker_add_step(worker, word) : 0;
		if (error)
			goto err_destroy;
	}
	kfree(copy);
	return worker;

err_destroy:
	kfree(copy);
	worker_destroy(worker);
	return ERR_PTR(error);
}

static void worker_list(struct worker *worker, struct task_struct *task)
{
	worker->pid = task_pid_nr(task);
	mutex_lock(&workers_lock);
	list_add_tail(&worker->node, &workers);
	mutex_unlock(&workers_lock);
}

static int worker_start_thread(const char *steps)
{
	struct worker *worker = worker_create(steps);
	struct task_struct *task;

	if (IS_ERR(worker))
		return PTR_ERR(worker);
	task = kthread_create(worker_thread, worker, "tracer_worker");
	if (IS_ERR(task)) {
		worker_destroy(worker);
		return PTR_ERR(task);
	}
	/* It may end before workers_end() asks it to. */
	worker->thread = get_task_struct(task);
	worker_list(worker, task);
	wake_up_process(task);
	return 0;
}

/* @command: COUNT STEP... */
int workers_create_threads(char *command)
{
	char *count = strsep(&command, " ");
	unsigned int threads;
	int error;

	if (kstrtouint(count, 10, &threads))
		return -EINVAL;
	for (unsigned int i = 0; i < threads; i++) {
		error = worker_start_thread(command ?: "");
		if (error)
			return error;
	}
	return 0;
}

/* @command: STEP...; the calling task is the worker and returns at its end. */
int workers_work_here(char *command)
{
	struct worker *worker = worker_create(command);
	int error;

	if (IS_ERR(worker))
		return PTR_ERR(worker);
	worker_list(worker, current);
	worker_work(worker);
	mutex_lock(&workers_lock);
	list_del(&worker->node);
	mutex_unlock(&workers_lock);
	error = worker->error;
	worker_destroy(worker);
	return error;
}

/* @command: STEP...; the calling task works at once and is in no list. */
int workers_work_now(char *command)
{
	struct worker *worker = worker_create(command);
	int error;

	if (IS_ERR(worker))
		return PTR_ERR(worker);
	steps_work(worker);
	error = worker->error;
	worker_destroy(worker);
	return error;
}

void workers_go(void)
{
	struct worker *worker;

	mutex_lock(&workers_lock);
	list_for_each_entry(worker, &workers, node)
		if (worker_phase(worker) == PHASE_PARKED)
			worker_enter(worker, PHASE_WORKING);
	mutex_unlock(&workers_lock);
}

/* Worker threads are gone afterwards; tasks that came by write(2) soon. */
void workers_end(void)
{
	struct worker *worker, *next;

	mutex_lock(&workers_lock);
	list_for_each_entry_safe(worker, next, &workers, node) {
		WRITE_ONCE(worker->ending, true);
		if (!worker->thread)
			continue;
		kthread_stop(worker->thread);
		put_task_struct(worker->thread);
		list_del(&worker->node);
		worker_destroy(worker);
	}
	mutex_unlock(&workers_lock);
}

/* One line a worker: PID PHASE ERROR FOREIGN_USABLE_BYTES */
size_t workers_print(char *text, size_t length)
{
	static const char *const names[] = { "starting", "parked", "working",
					     "done" };
	struct worker *worker;
	size_t used = 0;

	mutex_lock(&workers_lock);
	list_for_each_entry(worker, &workers, node)
		used += scnprintf(text + used, length - used, "%d %s %d %zu\n",
				  worker->pid, names[worker_phase(worker)],
				  worker->error, worker->foreign_usable);
	mutex_unlock(&workers_lock);
	return used;
}

/* Free in the calling task what the workers hold. */
void workers_release(bool by_rcu)
{
	struct worker *worker;

	mutex_lock(&workers_lock);
	list_for_each_entry(worker, &workers, node)
		worker_release(worker, by_rcu);
	mutex_unlock(&workers_lock);
}

/* Give the workers blocks of @size for those that were released. */
int workers_reuse(size_t size)
{
	struct worker *worker;
	int error = 0;

	mutex_lock(&workers_lock);
	list_for_each_entry(worker, &workers, node)
		error = worker_reuse(worker, size) ?: error;
	mutex_unlock(&workers_lock);
	return error;
}
