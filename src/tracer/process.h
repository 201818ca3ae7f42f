/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The monitored processes and their counters.
 *
 * A process (thread group) is known by its signal_struct: one for all its
 * threads, the same through exec and after the leading thread has ended, and
 * never shared or reused while the process is monitored.
 */
#ifndef TRACER_PROCESS_H
#define TRACER_PROCESS_H

#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "access.h"

struct tracer_ended;
struct tracer_session;

/* In the order of the columns of /proc/tracer. Calls, but _MEM: bytes. */
enum tracer_counter {
	TRACER_KMALLOC,
	TRACER_KFREE,
	TRACER_KMALLOC_MEM,
	TRACER_KFREE_MEM,
	TRACER_SCHED,
	TRACER_UP,
	TRACER_DOWN,
	TRACER_LOCK,
	TRACER_UNLOCK,
	TRACER_NR_COUNTERS
};

struct tracer_counters {
	u64 value[TRACER_NR_COUNTERS];
};

/* First what the handlers look at. */
struct tracer_process {
	struct hlist_node node; /* readers: RCU; writers: process_lock */
	struct signal_struct *signal; /* identity; never dereferenced */
	struct tracer_counters __percpu *counters;
	u64 id; /* never the same twice */
	struct pid *pid; /* of the thread group */
	struct tracer_session *session; /* through which it was added */
	struct tracer_ended *ended; /* to be its record */
	struct tracer_owner owner; /* when ADD of it, or its tree, was allowed */
	u64 added_ns; /* CLOCK_MONOTONIC */
	unsigned long missed_before; /* samples, over all probes */
	bool is_tree; /* its children are followed */
	bool is_child; /* added because it is one */
	bool may_exceed; /* its children may take reserved places */
	struct list_head all; /* as node; in the order in which they came */
	union {
		struct list_head spare; /* session->lock; not a process yet */
		struct rcu_head rcu;
	};
};

/*
 * Of fixed size, which spares the handlers loading where it is and how large:
 * 512 KiB, and one process in seven shares its bucket where 10,000 are
 * monitored.
 */
#define TRACER_BUCKET_BITS 16
extern struct hlist_head tracer_process_buckets[1 << TRACER_BUCKET_BITS];

static __always_inline struct hlist_head *
tracer_process_bucket(const struct signal_struct *signal)
{
	/* A multiplier of 32 bits is part of the instruction. */
	return &tracer_process_buckets[hash_32((u32)(uintptr_t)signal,
					       TRACER_BUCKET_BITS)];
}

/*
 * The monitored process with this identity. In an RCU read-side section,
 * in any context. Inline, because the handlers begin with it.
 */
static __always_inline struct tracer_process *
tracer_process_find(const struct signal_struct *signal)
{
	struct tracer_process *process;

	hlist_for_each_entry_rcu(process, tracer_process_bucket(signal), node) {
		if (process->signal == signal)
			return process;
	}
	return NULL;
}

/* The same, of the one process that has this id, be it removed and added. */
static __always_inline struct tracer_process *
tracer_process_find_id(const struct signal_struct *signal, u64 id)
{
	struct tracer_process *process;

	hlist_for_each_entry_rcu(process, tracer_process_bucket(signal), node) {
		if (likely(process->id == id))
			return process;
	}
	return NULL;
}

/* Add to one counter of a process. With preemption off. */
static __always_inline void tracer_process_count(struct tracer_process *process,
						 enum tracer_counter counter,
						 u64 by)
{
	/* Not as an array, whose bounds CONFIG_UBSAN_BOUNDS would check. */
	u64 __percpu *values = (u64 __percpu *)process->counters;

	__this_cpu_add(values[counter], by);
}

/*
 * Before the first and after the last process.
 * Return: 0, or -EINVAL if the module parameter max_processes is out of range,
 * said in the kernel log.
 */
int tracer_processes_create(void);
void tracer_processes_destroy(void);

/*
 * The memory of a process, which tracer_process_identify() then makes one of
 * this session and this task; its owner is the caller's to set. Only the first
 * may sleep.
 * Return: NULL if out of memory.
 */
struct tracer_process *tracer_process_alloc(void);
void tracer_process_identify(struct tracer_process *process,
			     struct tracer_session *session,
			     struct task_struct *task);

/*
 * Free a process that is not in the table; the second later, for atomic
 * context. One that was identified has left its session: tracer_record_end().
 */
void tracer_process_free(struct tracer_process *process);
void tracer_process_free_later(struct tracer_process *process);

/*
 * A place among max_processes for what the running task adds. It is taken
 * before the probes are armed, so that nobody disarms them before the process
 * is in the table. The last sixteenth of the places, one at least but not the
 * only one, is for those who may exceed: else a member of the group could take
 * all, and leave none to root. @may_exceed: whether a tree's children may take
 * of these.
 * Return: 0 or -ENOSPC.
 */
int tracer_place_take(bool is_tree, bool *may_exceed);
void tracer_place_release(void);

/* Put a process that has a place in the table. Return: 0 or -EEXIST. */
int tracer_process_insert(struct tracer_process *process);

/*
 * Put a process in the table, in a place of its own that its may_exceed allows,
 * if @parent still is there: its place is what keeps the probes armed until
 * this one has one.
 * In an RCU read-side section, in atomic context too.
 * Return: 0, -ESRCH (the parent is not monitored any more), -ENOSPC, -EEXIST.
 */
int tracer_process_insert_child(struct tracer_process *process,
				struct tracer_process *parent);

/*
 * Take a process out of the table, release its place, and free it later. In an
 * RCU read-side section, in atomic context too, any number of times at once.
 * Return: whether this call was the one that removed it.
 *
 * Handlers, readers and other removers may still look at the process: it is
 * freed after a grace period. A kmalloc() of it that sleeps now finds nothing
 * when it returns, for it looks the process up again.
 */
bool tracer_process_unlink(struct tracer_process *process);

/*
 * The counters of a process: what one CPU has counted, and the sum over all. In
 * an RCU read-side section.
 */
void tracer_process_read_cpu(const struct tracer_process *process, int cpu,
			     struct tracer_counters *counters);
void tracer_process_sum(const struct tracer_process *process,
			struct tracer_counters *sum);

/*
 * Call @visit for every monitored process, in the order in which they came. In
 * an RCU read-side section: processes may come and go meanwhile.
 */
void tracer_processes_visit(void (*visit)(struct tracer_process *process,
					  void *data),
			    void *data);

/* Processes monitored now, and at most. */
unsigned int tracer_processes_count(void);
unsigned int tracer_processes_max(void);

#endif /* TRACER_PROCESS_H */
