// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of kretprobes, the default.
 *
 * A kretprobe takes an instance from its pool at each entry, also where its
 * entry handler then declines. So each probe is given a filter of ours in
 * front of the kernel's handler: it counts what is known at the entry, and
 * calls on only where a return is wanted, which is the kmalloc() of a
 * monitored process. Nobody else's call takes an instance, and none is held
 * while a task sleeps in schedule().
 *
 * The filter is put in place between registration, disabled, and arming. Where
 * others probe the same address too, the kernel calls each one's handler from
 * a list, ours among them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

#include "compat.h"
#include "engine.h"
#include "handler.h"

/* From the entry of kmalloc to its return. */
struct kmalloc_call {
	u64 process_id;
	size_t size; /* bytes requested */
};

/* From a filter to the entry handler that the kernel calls within it. */
struct entering_call {
	struct tracer_process *process;
	size_t size; /* bytes requested */
};

static DEFINE_PER_CPU(struct entering_call, entering_call);

/* What register_kretprobe() makes the handler of every kretprobe. */
static kprobe_pre_handler_t kernel_handler;

static __always_inline struct tracer_probe *probe_of(struct kprobe *kp)
{
	return container_of(kp, struct tracer_probe, rp.kp);
}

static notrace int filter_call(struct kprobe *kp, struct pt_regs *regs)
{
	struct tracer_process *process = tracer_calling_process();

	if (process)
		tracer_process_count(process, probe_of(kp)->counter, 1);
	return 0;
}
NOKPROBE_SYMBOL(filter_call);

/* @size_arg is a constant, which makes it one load. */
static __always_inline int
filter_kmalloc(struct kprobe *kp, struct pt_regs *regs, unsigned int size_arg)
{
	struct tracer_process *process = tracer_calling_process();
	size_t size;

	if (!process)
		return 0;
	size = regs_get_kernel_argument(regs, size_arg);
	if (tracer_passes_on(probe_of(kp), size))
		return 0;
	__this_cpu_write(entering_call.process, process);
	__this_cpu_write(entering_call.size, size);
	return kernel_handler(kp, regs);
}

static notrace int filter_size_first(struct kprobe *kp, struct pt_regs *regs)
{
	return filter_kmalloc(kp, regs, 0);
}
NOKPROBE_SYMBOL(filter_size_first);

static notrace int filter_size_third(struct kprobe *kp, struct pt_regs *regs)
{
	return filter_kmalloc(kp, regs, 2);
}
NOKPROBE_SYMBOL(filter_size_third);

static notrace int filter_size_fourth(struct kprobe *kp, struct pt_regs *regs)
{
	return filter_kmalloc(kp, regs, 3);
}
NOKPROBE_SYMBOL(filter_size_fourth);

/* The kernel has found an instance: the call counts. Return: 0, to go on. */
static notrace int enter_kmalloc(struct kretprobe_instance *ri,
				 struct pt_regs *regs)
{
	struct tracer_process *process = __this_cpu_read(entering_call.process);
	struct kmalloc_call *call = (void *)ri->data;

	tracer_process_count(process, TRACER_KMALLOC, 1);
	call->process_id = process->id;
	call->size = __this_cpu_read(entering_call.size);
	return 0;
}
NOKPROBE_SYMBOL(enter_kmalloc);

/* Whether it is a call of kmalloc() is known when it returns. */
static notrace int enter_kvmalloc(struct kretprobe_instance *ri,
				  struct pt_regs *regs)
{
	struct kmalloc_call *call = (void *)ri->data;

	call->process_id = __this_cpu_read(entering_call.process)->id;
	call->size = __this_cpu_read(entering_call.size);
	return 0;
}
NOKPROBE_SYMBOL(enter_kvmalloc);

/*
 * The call may have slept: its process is looked up anew, by its id, which no
 * other has, nor itself once it was removed and added again.
 */
static __always_inline struct tracer_process *
returning_process(struct kretprobe_instance *ri)
{
	const struct kmalloc_call *call = (void *)ri->data;

	return tracer_process_find_id(current->signal, call->process_id);
}

static notrace int return_kmalloc(struct kretprobe_instance *ri,
				  struct pt_regs *regs)
{
	const struct kmalloc_call *call = (void *)ri->data;
	const void *block = (void *)regs_return_value(regs);
	struct tracer_process *process = returning_process(ri);

	if (process && !ZERO_OR_NULL_PTR(block))
		tracer_count_block(process, block, call->size);
	return 0;
}
NOKPROBE_SYMBOL(return_kmalloc);

static notrace int return_kvmalloc(struct kretprobe_instance *ri,
				   struct pt_regs *regs)
{
	const struct kretprobe *rp = get_kretprobe(ri);
	struct tracer_process *process = returning_process(ri);

	/* There is none while it is unregistered. */
	if (!rp || !process || is_vmalloc_addr((void *)regs_return_value(regs)))
		return 0;
	tracer_process_count(process, TRACER_KMALLOC, 1);
	if (container_of(rp, struct tracer_probe, rp)->count_only)
		return 0;
	return return_kmalloc(ri, regs);
}
NOKPROBE_SYMBOL(return_kvmalloc);

/* Of a monitored process; everybody's is forgotten by forget_freed(). */
static notrace int filter_kfree(struct kprobe *kp, struct pt_regs *regs)
{
	struct tracer_process *process = tracer_calling_process();

	if (process)
		tracer_count_kfree(process,
				   (void *)regs_get_kernel_argument(regs, 0));
	return 0;
}
NOKPROBE_SYMBOL(filter_kfree);

static notrace int filter_kfree_rcu(struct kprobe *kp, struct pt_regs *regs)
{
	tracer_forget_block(
		tracer_block_of_kfree_rcu(regs_get_kernel_argument(regs, 0),
					  regs_get_kernel_argument(regs, 1)));
	return 0;
}
NOKPROBE_SYMBOL(filter_kfree_rcu);

/*
 * The tracepoint in kfree(). Unlike a probe it is not switched off within the
 * handlers of probes, so it also sees the frees of an interrupt there.
 */
static void notrace forget_freed(void *data, unsigned long call_site,
				 const void *block)
{
	tracer_forget_block(block);
}
NOKPROBE_SYMBOL(forget_freed);

static struct tracer_listener listeners[] = {
	{ .name = "kfree", .handler = forget_freed },
	{},
};

static kprobe_pre_handler_t filter_of(const struct tracer_symbol *symbol)
{
	static const kprobe_pre_handler_t by_size_arg[] = {
		filter_size_first,
		NULL,
		filter_size_third,
		filter_size_fourth,
	};

	switch (symbol->function->meaning) {
	case TRACER_IS_KMALLOC:
		return by_size_arg[symbol->size_arg];
	case TRACER_IS_KFREE:
		return filter_kfree;
	case TRACER_IS_KFREE_RCU:
		return filter_kfree_rcu;
	default:
		return filter_call;
	}
}

/*
 * An instance is held from entry to return, so only a kmalloc() that sleeps in
 * reclaim holds one for long: 16 were enough for 160 threads on four CPUs.
 */
static void want_return(struct tracer_probe *probe)
{
	const bool kvmalloc = probe->symbol->kvmalloc;

	probe->rp.entry_handler = kvmalloc ? enter_kvmalloc : enter_kmalloc;
	probe->rp.handler = kvmalloc ? return_kvmalloc : return_kmalloc;
	probe->rp.data_size = sizeof(struct kmalloc_call);
	probe->rp.maxactive = max(512, 8 * (int)num_possible_cpus());
}

/*
 * Where a probe is a breakpoint, x86 enters its handler as an NMI and in_task()
 * would never be true. Better no numbers than zeroes.
 */
static int check(const struct tracer_probe *probe)
{
	if (!IS_ENABLED(CONFIG_X86) || probe->rp.kp.flags & KPROBE_FLAG_FTRACE)
		return 0;
	pr_err("the probe of %s is a breakpoint: use a kernel built with CONFIG_KPROBES_ON_FTRACE=y\n",
	       probe->symbol->name);
	return -EOPNOTSUPP;
}

static int prepare(struct tracer_probe *probe)
{
	const struct tracer_symbol *symbol = probe->symbol;
	int err;

	probe->rp = (struct kretprobe){
		.kp.symbol_name = symbol->name,
		.kp.flags = KPROBE_FLAG_DISABLED,
		.maxactive = 1, /* no return is wanted */
	};
	if (symbol->function->meaning == TRACER_IS_KMALLOC)
		want_return(probe);
	err = register_kretprobe(&probe->rp);
	if (err == -EOPNOTSUPP || err == -ENOSYS)
		pr_err("this kernel has no kretprobes: use one built with CONFIG_KRETPROBES=y\n");
	else if (err == -ENOMEM)
		pr_err("no memory to probe %s: load again when there is some\n",
		       probe->symbol->name);
	else if (err && err != -ENOENT)
		pr_err("cannot probe %s (error %d): see whether it is in debugfs kprobes/blacklist\n",
		       probe->symbol->name, err);
	if (err)
		return err;
	kernel_handler = probe->rp.kp.pre_handler;
	probe->rp.kp.pre_handler = filter_of(symbol);
	probe->engine = &tracer_kretprobe_engine;
	probe->by = "kretprobe";
	return check(probe);
}

/* As a batch: half the cost of one by one, which waits for RCU each time. */
static void release(void)
{
	struct kretprobe *batch[TRACER_MAX_SYMBOLS];
	struct tracer_probe *probe;
	int count = 0;

	tracer_for_each_probe(probe, &tracer_kretprobe_engine) {
		batch[count++] = &probe->rp;
		probe->engine = NULL;
	}
	if (count)
		unregister_kretprobes(batch, count);
}

/*
 * With kprobes or ftrace switched off (debugfs kprobes/enabled, sysctl
 * kernel.ftrace_enabled) enable_kretprobe() says success and does nothing. The
 * first leaves its flag, the second the no-op at the head of the function.
 */
static bool is_armed(const struct tracer_probe *probe)
{
	const struct kprobe *kp = &probe->rp.kp;

	if (kp->flags & (KPROBE_FLAG_DISABLED | KPROBE_FLAG_GONE))
		return false;
	if (!IS_ENABLED(CONFIG_X86) || !(kp->flags & KPROBE_FLAG_FTRACE))
		return true;
	return tracer_is_patched((unsigned long)kp->addr);
}

/* Those that are not armed are left as they are. */
static int disarm(void)
{
	struct tracer_probe *probe;
	int err = 0;

	tracer_for_each_probe(probe, &tracer_kretprobe_engine)
		err = disable_kretprobe(&probe->rp) ?: err;
	synchronize_rcu(); /* no handler runs any more */
	return err;
}

static int arm(void)
{
	struct tracer_probe *probe;
	int err;

	tracer_for_each_probe(probe, &tracer_kretprobe_engine) {
		err = enable_kretprobe(&probe->rp);
		if (!err && !is_armed(probe))
			err = -EBUSY;
		if (err)
			return err;
	}
	return 0;
}

/*
 * No instance was free. (Not kp.nmissed, which counts calls from within the
 * handler of any probe: by an interrupt, or by another instrument. Neither is
 * a call of the process.)
 */
static unsigned long missed(const struct tracer_probe *probe)
{
	return READ_ONCE(probe->rp.nmissed);
}

const struct tracer_engine tracer_kretprobe_engine = {
	.name = "kretprobe",
	.listeners = listeners,
	.prepare = prepare,
	.release = release,
	.arm = arm,
	.disarm = disarm,
	.is_armed = is_armed,
	.missed = missed,
};
