// SPDX-License-Identifier: GPL-2.0-only
/* What a call of a probed function makes of the counters. */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include "handler.h"

static DEFINE_PER_CPU(unsigned long, unknown_blocks);

notrace void tracer_count_elsewhere(struct tracer_process *process,
				    const void *block)
{
	s64 size = tracer_block_take_beyond(block);

	if (size < 0) {
		size = ksize(block);
		__this_cpu_inc(unknown_blocks);
	}
	tracer_process_count(process, TRACER_KFREE_MEM, size);
}
NOKPROBE_SYMBOL(tracer_count_elsewhere);

/*
 * Such a block is freed in bulk and never reaches kfree(). The second argument
 * is the block, or before 6.2, commit 04a522b7da3d ("rcu: Refactor
 * kvfree_call_rcu() and high-level helpers"), the offset of head in it, below
 * 4096.
 */
notrace const void *tracer_block_of_kfree_rcu(unsigned long head,
					      unsigned long second)
{
	return (const void *)(second < 4096 ? head - second : second);
}
NOKPROBE_SYMBOL(tracer_block_of_kfree_rcu);

unsigned long tracer_unknown_blocks(void)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(unknown_blocks, cpu);
	return sum;
}
