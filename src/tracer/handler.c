// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when a probed function is called.
 *
 * Context of every handler here: whatever called the function, with
 * preemption off; interrupts may be off. No sleeping, no allocation, no lock,
 * no printk, and no call of a probed function. Preemption being off is an RCU
 * read-side section and makes the per-CPU counters ours; only task context
 * writes them, so interrupts do not matter.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "block.h"
#include "compat.h"
#include "handler.h"
#include "probe.h"
#include "process.h"

static DEFINE_PER_CPU(unsigned long, unknown_blocks);

/*
 * The monitored process whose call this is, or NULL. What an interrupt does on
 * the CPU of a process is not its call.
 */
static __always_inline struct tracer_process *calling_process(void)
{
	return in_task() ? tracer_process_find(current->signal) : NULL;
}

int tracer_handle_call(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct tracer_probe *probe = tracer_probe_of(get_kretprobe(ri));
	struct tracer_process *process;

	rcu_read_lock();
	process = calling_process();
	if (process && probe)
		tracer_process_count(process, probe->symbol->function->counter,
				     1);
	rcu_read_unlock();
	return 1;
}
NOKPROBE_SYMBOL(tracer_handle_call);

int tracer_handle_kmalloc(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct tracer_probe *probe = tracer_probe_of(get_kretprobe(ri));
	struct tracer_kmalloc_call *call = (void *)ri->data;
	struct tracer_process *process;
	int declined = 1;
	size_t size;

	rcu_read_lock();
	process = calling_process();
	if (!process || !probe)
		goto out;
	size = regs_get_kernel_argument(regs, probe->symbol->size_arg);
	/* Then it is on its way to the entry point of large blocks. */
	if (probe->skip_large && size > KMALLOC_MAX_CACHE_SIZE)
		goto out;
	if (!probe->symbol->kvmalloc)
		tracer_process_count(process, TRACER_KMALLOC, 1);
	call->process_id = process->id;
	call->size = size;
	declined = 0;
out:
	rcu_read_unlock();
	return declined;
}
NOKPROBE_SYMBOL(tracer_handle_kmalloc);

/*
 * The call may have slept: its process is looked up anew, and its id tells
 * whether it was removed and added again meanwhile.
 */
int tracer_handle_kmalloc_return(struct kretprobe_instance *ri,
				 struct pt_regs *regs)
{
	const struct tracer_probe *probe = tracer_probe_of(get_kretprobe(ri));
	const struct tracer_kmalloc_call *call = (void *)ri->data;
	const void *block = (void *)regs_return_value(regs);
	struct tracer_process *process;

	rcu_read_lock();
	process = calling_process();
	if (!process || !probe || process->id != call->process_id)
		goto out;
	if (probe->symbol->kvmalloc) {
		if (is_vmalloc_addr(block))
			goto out;
		tracer_process_count(process, TRACER_KMALLOC, 1);
	}
	if (!ZERO_OR_NULL_PTR(block)) {
		tracer_process_count(process, TRACER_KMALLOC_MEM, call->size);
		tracer_block_insert(block, call->size);
	}
out:
	rcu_read_unlock();
	return 0;
}
NOKPROBE_SYMBOL(tracer_handle_kmalloc_return);

int tracer_handle_kfree(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const void *block = (void *)regs_get_kernel_argument(regs, 0);
	struct tracer_process *process;
	size_t size = 0;

	rcu_read_lock();
	process = calling_process();
	if (process) {
		if (!ZERO_OR_NULL_PTR(block) &&
		    !tracer_block_take(block, &size)) {
			size = ksize(block);
			__this_cpu_inc(unknown_blocks);
		}
		tracer_process_count(process, TRACER_KFREE, 1);
		tracer_process_count(process, TRACER_KFREE_MEM, size);
	}
	rcu_read_unlock();
	return 1;
}
NOKPROBE_SYMBOL(tracer_handle_kfree);

void tracer_handle_kfree_event(void *data, unsigned long call_site,
			       const void *block)
{
	size_t size;

	if (!ZERO_OR_NULL_PTR(block))
		tracer_block_take(block, &size);
}

/*
 * kvfree_call_rcu(head, func): such a block is freed in bulk and never reaches
 * kfree(). The second argument is the block, or before 6.2, commit
 * 04a522b7da3d ("rcu: Refactor kvfree_call_rcu() and high-level helpers"), the
 * offset of head in it, below 4096.
 */
int tracer_handle_kfree_rcu(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	unsigned long head = regs_get_kernel_argument(regs, 0);
	unsigned long block = regs_get_kernel_argument(regs, 1);
	size_t size;

	if (block < 4096)
		block = head - block;
	tracer_block_take((void *)block, &size);
	return 1;
}
NOKPROBE_SYMBOL(tracer_handle_kfree_rcu);

unsigned long tracer_unknown_blocks(void)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(unknown_blocks, cpu);
	return sum;
}
