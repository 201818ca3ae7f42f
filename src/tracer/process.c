// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is monitored: from ADD to REMOVE or to the end of the last thread.
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
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "access.h"
#include "block.h"
#include "probe.h"
#include "process.h"
#include "tracepoint.h"

#define MAX_PROCESSES (1u << 20)

static unsigned int max_processes = 16384;
module_param(max_processes, uint, 0444);
MODULE_PARM_DESC(
	max_processes,
	"processes that can be monitored at a time (1 to 1048576, default 16384)");

struct hlist_head *tracer_process_buckets;
unsigned int tracer_process_bucket_bits;

/*
 * Protects the chains against other writers, process_count and last_id.
 * Raw: taken in a tracepoint handler, where PREEMPT_RT must not sleep.
 */
static DEFINE_RAW_SPINLOCK(process_lock);
/* Monitored processes and those about to be; 0 means: disarm. */
static unsigned int process_count;
static u64 last_id;

/* Protects armed, and makes arming and disarming one thing at a time. */
static DEFINE_MUTEX(arm_mutex);
static bool armed;

static void disarm_if_idle(struct work_struct *work);
static DECLARE_WORK(idle_work, disarm_if_idle);

static struct tracer_process *process_create(struct task_struct *task)
{
	struct tracer_process *process;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process)
		return NULL;
	process->counters =
		alloc_percpu_gfp(struct tracer_counters, GFP_KERNEL_ACCOUNT);
	if (!process->counters) {
		kfree(process);
		return NULL;
	}
	process->signal = task->signal;
	process->pid = get_task_pid(task, PIDTYPE_TGID);
	return process;
}

static void process_destroy(struct tracer_process *process)
{
	put_pid(process->pid);
	free_percpu(process->counters);
	kfree(process);
}

static void process_destroy_rcu(struct rcu_head *rcu)
{
	process_destroy(container_of(rcu, struct tracer_process, rcu));
}

/* Take a place before arming, so that nobody disarms in between. */
static int place_reserve(void)
{
	int err = 0;

	raw_spin_lock(&process_lock);
	if (process_count < max_processes)
		process_count++;
	else
		err = -ENOSPC;
	raw_spin_unlock(&process_lock);
	return err;
}

static void place_release(void)
{
	bool idle;

	raw_spin_lock(&process_lock);
	idle = --process_count == 0;
	raw_spin_unlock(&process_lock);
	if (idle)
		schedule_work(&idle_work);
}

/* Consumes a reserved place. */
static int process_insert(struct tracer_process *process)
{
	struct hlist_head *bucket;
	int err = 0;

	bucket = &tracer_process_buckets[hash_ptr(process->signal,
						  tracer_process_bucket_bits)];
	raw_spin_lock(&process_lock);
	if (tracer_process_find(process->signal)) {
		err = -EEXIST;
	} else {
		process->id = ++last_id;
		hlist_add_head_rcu(&process->node, bucket);
	}
	raw_spin_unlock(&process_lock);
	return err;
}

/*
 * In an RCU read-side section, any number of times at once.
 * Return: whether this call was the one that removed it.
 *
 * Handlers, readers and other removers may still look at the process: it is
 * freed after a grace period. A kmalloc() of it that sleeps now finds nothing
 * when it returns, for it looks the process up again.
 */
static bool process_unlink(struct tracer_process *process)
{
	bool linked;

	raw_spin_lock(&process_lock);
	linked = !hlist_unhashed(&process->node);
	if (linked)
		hlist_del_init_rcu(&process->node);
	raw_spin_unlock(&process_lock);
	if (!linked)
		return false;
	call_rcu(&process->rcu, process_destroy_rcu);
	place_release();
	return true;
}

void tracer_process_handle_exit(TRACER_EXIT_PROTO)
{
	struct tracer_process *process;

	if (atomic_read(&task->signal->live))
		return;
	rcu_read_lock();
	process = tracer_process_find(task->signal);
	if (process)
		process_unlink(process);
	rcu_read_unlock();
}

static int arm(void)
{
	int err;

	lockdep_assert_held(&arm_mutex);
	/* Nobody told of frees while nothing was armed. */
	tracer_blocks_clear();
	err = tracer_tracepoints_arm();
	if (err)
		return err;
	err = tracer_probes_arm();
	if (err)
		tracer_tracepoints_disarm();
	else
		armed = true;
	return err;
}

static void disarm(void)
{
	lockdep_assert_held(&arm_mutex);
	tracer_probes_disarm();
	tracer_tracepoints_disarm();
	armed = false;
}

static void disarm_if_idle(struct work_struct *work)
{
	mutex_lock(&arm_mutex);
	if (armed && !tracer_processes_count())
		disarm();
	mutex_unlock(&arm_mutex);
}

static int arm_if_idle(void)
{
	int err = 0;

	mutex_lock(&arm_mutex);
	if (!armed)
		err = arm();
	mutex_unlock(&arm_mutex);
	return err;
}

/*
 * The leading task of a process that the caller may monitor.
 * Return: the task with a reference taken, or -EINVAL, -ESRCH or -EPERM.
 */
static struct task_struct *leader_get(pid_t nr)
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
	else if (!atomic_read(&task->signal->live))
		err = -ESRCH;
	else if (!tracer_may_monitor(NULL, task))
		err = -EPERM;
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
static int add_task(struct task_struct *task)
{
	struct tracer_process *process;
	int err;

	if (is_monitored(task->signal))
		return -EEXIST;
	err = place_reserve();
	if (err)
		return err;
	process = process_create(task);
	if (!process) {
		err = -ENOMEM;
		goto release_place;
	}
	err = arm_if_idle();
	if (err)
		goto destroy_process;
	err = process_insert(process);
	if (err)
		goto destroy_process;

	smp_mb(); /* pairs with atomic_dec_and_test(&signal->live) of do_exit() */
	if (atomic_read(&task->signal->live))
		return 0;
	rcu_read_lock();
	/* Found again: the exit may have removed and freed it meanwhile. */
	process = tracer_process_find(task->signal);
	if (process)
		process_unlink(process);
	rcu_read_unlock();
	return -ESRCH;

destroy_process:
	process_destroy(process);
release_place:
	place_release();
	return err;
}

int tracer_process_add(pid_t nr)
{
	struct task_struct *task = leader_get(nr);
	int err;

	if (IS_ERR(task))
		return PTR_ERR(task);
	err = add_task(task);
	put_task_struct(task);
	return err;
}

int tracer_process_remove(pid_t nr)
{
	struct task_struct *task = leader_get(nr);
	struct tracer_process *process;
	bool removed;

	if (IS_ERR(task))
		return PTR_ERR(task);
	rcu_read_lock();
	process = tracer_process_find(task->signal);
	removed = process && process_unlink(process);
	rcu_read_unlock();
	put_task_struct(task);
	if (!removed)
		return -ESRCH;
	/* Not left to the work item: the caller may rely on it. */
	disarm_if_idle(NULL);
	return 0;
}

void tracer_process_sum(const struct tracer_process *process,
			struct tracer_counters *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct tracer_counters *counters;

		counters = per_cpu_ptr(process->counters, cpu);
		for (i = 0; i < TRACER_NR_COUNTERS; i++)
			sum->value[i] += READ_ONCE(counters->value[i]);
	}
}

void tracer_processes_visit(void (*visit)(struct tracer_process *process,
					  void *data),
			    void *data)
{
	struct tracer_process *process;
	unsigned int i;

	for (i = 0; i < 1u << tracer_process_bucket_bits; i++)
		hlist_for_each_entry_rcu(process, &tracer_process_buckets[i],
					 node)
			visit(process, data);
}

unsigned int tracer_processes_count(void)
{
	return READ_ONCE(process_count);
}

unsigned int tracer_processes_max(void)
{
	return max_processes;
}

static void unlink_visited(struct tracer_process *process, void *data)
{
	process_unlink(process);
}

void tracer_processes_clear(void)
{
	rcu_read_lock();
	tracer_processes_visit(unlink_visited, NULL);
	rcu_read_unlock();
	/* Whatever the count says: an exit may be between unlink and release. */
	mutex_lock(&arm_mutex);
	if (armed)
		disarm();
	mutex_unlock(&arm_mutex);
}

int tracer_processes_create(void)
{
	if (max_processes < 1 || max_processes > MAX_PROCESSES) {
		pr_err("max_processes=%u is out of range: give 1 to %u\n",
		       max_processes, MAX_PROCESSES);
		return -EINVAL;
	}
	/* hash_ptr() cannot hash to zero bits. */
	tracer_process_bucket_bits =
		max(1, ilog2(roundup_pow_of_two(max_processes)));
	tracer_process_buckets = kvcalloc(1u << tracer_process_bucket_bits,
					  sizeof(*tracer_process_buckets),
					  GFP_KERNEL);
	if (!tracer_process_buckets) {
		pr_err("no memory for max_processes=%u: load with a smaller number\n",
		       max_processes);
		return -ENOMEM;
	}
	return 0;
}

void tracer_processes_destroy(void)
{
	/* In this order: the tracepoint handler may queue the work item. */
	tracepoint_synchronize_unregister();
	cancel_work_sync(&idle_work);
	rcu_barrier(); /* process_destroy_rcu() is code of this module */
	kvfree(tracer_process_buckets);
}
