// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trial: call a function of the kernel and watch whether it calls another
 * one. It replaces a list of kernel versions, which no distribution keeps to.
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "trial.h"

/* Not a constant to the compiler, which would choose another entry point. */
static size_t trial_size = 64; /* bytes */

static struct task_struct *trial_task;
static atomic_t trial_hits;

/* Preemption is off; any context that calls kmalloc_node(). */
static int count_hit(struct kprobe *kp, struct pt_regs *regs)
{
	if (in_task() && current == READ_ONCE(trial_task))
		atomic_inc(&trial_hits);
	return 0;
}
NOKPROBE_SYMBOL(count_hit);

static struct kprobe trial_probe = {
	.symbol_name = "__kmalloc_node_noprof",
	.pre_handler = count_hit,
};

static int hits_of_kmalloc_node(void)
{
	atomic_set(&trial_hits, 0);
	kfree(kmalloc_node(READ_ONCE(trial_size), GFP_KERNEL, NUMA_NO_NODE));
	return atomic_read(&trial_hits);
}

static int hits_of_kvmalloc(void)
{
	atomic_set(&trial_hits, 0);
	kvfree(kvmalloc(READ_ONCE(trial_size), GFP_KERNEL));
	return atomic_read(&trial_hits);
}

static int trial_of_kvmalloc(void)
{
	int err, control, hits;

	WRITE_ONCE(trial_task, current);
	err = register_kprobe(&trial_probe);
	if (err)
		return err;
	control = hits_of_kmalloc_node();
	hits = hits_of_kvmalloc();
	unregister_kprobe(&trial_probe);
	return control ? !!hits : -EBUSY;
}

struct trial {
	struct work_struct work;
	int result;
};

static void run_trial(struct work_struct *work)
{
	container_of(work, struct trial, work)->result = trial_of_kvmalloc();
}

/* By a worker: an armed probe is unregistered, see arming.c. */
int tracer_trial_kvmalloc(void)
{
	struct trial trial;

	INIT_WORK_ONSTACK(&trial.work, run_trial);
	schedule_work(&trial.work);
	flush_work(&trial.work);
	destroy_work_on_stack(&trial.work);
	return trial.result;
}
