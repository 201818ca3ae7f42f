/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a call of a probed function makes of the counters, whatever engine saw
 * the call.
 *
 * Context of everything here: whatever called the function, with preemption
 * off; interrupts may be off. No sleeping, no allocation, no lock, no printk,
 * and no call of a probed function. Preemption being off is an RCU read-side
 * section, and makes the per-CPU counters ours: only task context writes them,
 * so interrupts do not matter.
 */
#ifndef TRACER_HANDLER_H
#define TRACER_HANDLER_H

#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/types.h>

#include "block.h"
#include "probe.h"
#include "process.h"

/* Where the process of this call would be; mostly there is nothing. */
static __always_inline const struct hlist_head *tracer_calling_bucket(void)
{
	return tracer_process_bucket(current->signal);
}

/* For which no RCU read-side section is needed. */
static __always_inline bool tracer_is_empty(const struct hlist_head *bucket)
{
	/* Nothing is done with what it points to. */
	return data_race(!bucket->first);
}

/*
 * The monitored process whose call this is, or NULL. What an interrupt does on
 * the CPU of a process is not its call.
 */
static __always_inline struct tracer_process *
tracer_calling_process_in(const struct hlist_head *bucket)
{
	const struct signal_struct *signal = current->signal;
	struct tracer_process *process;

	process = hlist_entry_safe(rcu_dereference_raw(bucket->first),
				   struct tracer_process, node);
	if (!process || !in_task())
		return NULL;
	hlist_for_each_entry_from_rcu(process, node)
		if (process->signal == signal)
			return process;
	return NULL;
}

static __always_inline struct tracer_process *tracer_calling_process(void)
{
	return tracer_calling_process_in(tracer_calling_bucket());
}

/* Then the request is on its way to the entry point of large blocks. */
static __always_inline bool tracer_passes_on(const struct tracer_probe *probe,
					     size_t size)
{
	return probe->skip_large && size > KMALLOC_MAX_CACHE_SIZE;
}

/* A kmalloc() of @size bytes requested returned @block: its bytes. */
static __always_inline void tracer_count_block(struct tracer_process *process,
					       const void *block, size_t size)
{
	tracer_process_count(process, TRACER_KMALLOC_MEM, size);
	tracer_block_insert(block, size);
}

/* A kfree() of a @block that is not in its own bucket: its bytes. */
void tracer_count_elsewhere(struct tracer_process *process, const void *block);

/* A kfree() of @block: the call and its bytes. */
static __always_inline void tracer_count_kfree(struct tracer_process *process,
					       const void *block)
{
	s64 size;

	tracer_process_count(process, TRACER_KFREE, 1);
	if (ZERO_OR_NULL_PTR(block))
		return;
	size = tracer_block_take(block);
	if (likely(size >= 0))
		tracer_process_count(process, TRACER_KFREE_MEM, size);
	else
		tracer_count_elsewhere(process, block);
}

/* @block is freed, by whomever. */
static __always_inline void tracer_forget_block(const void *block)
{
	if (!ZERO_OR_NULL_PTR(block))
		tracer_block_forget(block);
}

/* The block that kvfree_call_rcu(@head, @second) is going to free. */
const void *tracer_block_of_kfree_rcu(unsigned long head, unsigned long second);

/* Frees since load whose bytes are those of ksize(). */
unsigned long tracer_unknown_blocks(void);

#endif /* TRACER_HANDLER_H */
