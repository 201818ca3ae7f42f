// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of monitored processes. A process takes a place, is inserted, and
 * is unlinked and freed by RCU; what leads to that is in monitor.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "arming.h"
#include "probe.h"
#include "process.h"
#include "record.h"
#include "session.h"

#define MAX_PROCESSES (1u << 20)

#define RESERVED_PART 16 /* one place in so many is not for everybody */

static unsigned int max_processes = 16384;
module_param(max_processes, uint, 0444);
MODULE_PARM_DESC(
	max_processes,
	"processes that can be monitored at a time, the last sixteenth (1 at least, of 2 or more) by those with CAP_SYS_RESOURCE (1 to 1048576, default 16384)");

struct hlist_head tracer_process_buckets[1 << TRACER_BUCKET_BITS];

/*
 * Protects the chains and the list against other writers, process_count and
 * last_id.
 * Raw: taken in a tracepoint handler, where PREEMPT_RT must not sleep.
 */
static DEFINE_RAW_SPINLOCK(process_lock);
static LIST_HEAD(all_processes);
/* Monitored processes and those about to be; 0 means: disarm. */
static unsigned int process_count;
static u64 last_id;

struct tracer_process *tracer_process_alloc(void)
{
	struct tracer_process *process;

	process = kzalloc(sizeof(*process), TRACER_GFP_CHARGED);
	if (!process)
		return NULL;
	process->ended = kzalloc(sizeof(*process->ended), TRACER_GFP_CHARGED);
	process->counters =
		alloc_percpu_gfp(struct tracer_counters, TRACER_GFP_CHARGED);
	if (!process->ended || !process->counters) {
		tracer_process_free(process);
		return NULL;
	}
	return process;
}

void tracer_process_identify(struct tracer_process *process,
			     struct tracer_session *session,
			     struct task_struct *task)
{
	process->signal = task->signal;
	process->pid = get_task_pid(task, PIDTYPE_TGID);
	process->ended->pid = get_pid(process->pid);
	rcu_read_lock();
	process->ended->parent =
		get_task_pid(rcu_dereference(task->real_parent), PIDTYPE_TGID);
	rcu_read_unlock();
	process->missed_before = tracer_probes_missed();
	process->added_ns = ktime_get_ns();
	process->session = session;
	tracer_session_enter(session);
}

void tracer_process_free(struct tracer_process *process)
{
	if (process->session)
		tracer_session_put(process->session);
	put_pid(process->pid);
	tracer_ended_free(process->ended);
	free_percpu(process->counters);
	kfree(process);
}

static void process_free_rcu(struct rcu_head *rcu)
{
	tracer_process_free(container_of(rcu, struct tracer_process, rcu));
}

void tracer_process_free_later(struct tracer_process *process)
{
	call_rcu(&process->rcu, process_free_rcu);
}

/* What is for everybody is filled first, by whomever. */
static bool has_place(bool may_exceed)
{
	unsigned int reserved = 0;

	lockdep_assert_held(&process_lock);
	if (!may_exceed && max_processes > 1)
		reserved = max(max_processes / RESERVED_PART, 1u);
	return process_count < max_processes - reserved;
}

/* tracer_processes_count() reads it without the lock. */
static void set_process_count(unsigned int count)
{
	lockdep_assert_held(&process_lock);
	WRITE_ONCE(process_count, count);
}

static int take_place(bool may_exceed)
{
	int err = 0;

	raw_spin_lock(&process_lock);
	if (has_place(may_exceed))
		set_process_count(process_count + 1);
	else
		err = -ENOSPC;
	raw_spin_unlock(&process_lock);
	return err;
}

int tracer_place_take(bool is_tree, bool *may_exceed)
{
	int err;

	/* For its children it would be too late: they come as others run. */
	*may_exceed = is_tree && tracer_may_exceed();
	err = take_place(*may_exceed);
	/* Nobody is asked for a capability that he does not need. */
	if (err && !is_tree && tracer_may_exceed())
		err = take_place(true);
	return err;
}

void tracer_place_release(void)
{
	bool idle;

	raw_spin_lock(&process_lock);
	set_process_count(process_count - 1);
	idle = !process_count;
	raw_spin_unlock(&process_lock);
	if (idle)
		tracer_disarm_soon();
}

/* Return: 0 or -EEXIST. */
static int link_process(struct tracer_process *process)
{
	lockdep_assert_held(&process_lock);
	if (tracer_process_find(process->signal))
		return -EEXIST;
	process->id = ++last_id;
	hlist_add_head_rcu(&process->node,
			   tracer_process_bucket(process->signal));
	list_add_tail_rcu(&process->all, &all_processes);
	return 0;
}

int tracer_process_insert(struct tracer_process *process)
{
	int err;

	rcu_read_lock();
	raw_spin_lock(&process_lock);
	err = link_process(process);
	raw_spin_unlock(&process_lock);
	rcu_read_unlock();
	return err;
}

int tracer_process_insert_child(struct tracer_process *process,
				struct tracer_process *parent)
{
	int err;

	raw_spin_lock(&process_lock);
	if (hlist_unhashed(&parent->node))
		err = -ESRCH;
	else if (!has_place(process->may_exceed))
		err = -ENOSPC;
	else
		err = link_process(process);
	if (!err)
		set_process_count(process_count + 1);
	raw_spin_unlock(&process_lock);
	return err;
}

bool tracer_process_unlink(struct tracer_process *process)
{
	bool linked;

	raw_spin_lock(&process_lock);
	linked = !hlist_unhashed(&process->node);
	if (linked) {
		hlist_del_init_rcu(&process->node);
		list_del_rcu(&process->all);
	}
	raw_spin_unlock(&process_lock);
	if (!linked)
		return false;
	tracer_process_free_later(process);
	tracer_place_release();
	return true;
}

void tracer_process_read_cpu(const struct tracer_process *process, int cpu,
			     struct tracer_counters *counters)
{
	const struct tracer_counters *counted;
	int i;

	counted = per_cpu_ptr(process->counters, cpu);
	for (i = 0; i < TRACER_NR_COUNTERS; i++)
		counters->value[i] = READ_ONCE(counted->value[i]);
}

void tracer_process_sum(const struct tracer_process *process,
			struct tracer_counters *sum)
{
	struct tracer_counters counters;
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		tracer_process_read_cpu(process, cpu, &counters);
		for (i = 0; i < TRACER_NR_COUNTERS; i++)
			sum->value[i] += counters.value[i];
	}
}

void tracer_processes_visit(void (*visit)(struct tracer_process *process,
					  void *data),
			    void *data)
{
	struct tracer_process *process;

	list_for_each_entry_rcu(process, &all_processes, all)
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

int tracer_processes_create(void)
{
	if (max_processes < 1 || max_processes > MAX_PROCESSES) {
		pr_err("max_processes=%u is out of range: give 1 to %u\n",
		       max_processes, MAX_PROCESSES);
		return -EINVAL;
	}
	return 0;
}

void tracer_processes_destroy(void)
{
	rcu_barrier(); /* process_free_rcu() is code of this module */
}
