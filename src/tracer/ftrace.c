// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of ftrace, a third of the cost.
 *
 *   functions that are only counted, and	one ftrace_ops for all of them
 *   entry points of kmalloc
 *   bytes of kmalloc				tracepoints kmalloc, kmalloc_node
 *   kfree, calls and bytes			tracepoint kfree
 *   what needs a return, or is rare		kretprobe.c
 *
 * From 6.11 on a request above KMALLOC_MAX_CACHE_SIZE fires the tracepoint
 * twice, in the function that it enters and in the one that this passes it on
 * to. So where requests are passed on, all of theirs is left to a kretprobe on
 * that second function, and the tracepoint is asked for smaller ones alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <trace/events/kmem.h>

#include "compat.h"
#include "engine.h"
#include "handler.h"

/*
 * Open addressing: so many more than there can be probes that hardly ever one
 * is not in its own place.
 */
#define HEAD_BITS 10

static const struct tracer_probe *heads[1 << HEAD_BITS];
static unsigned long idle_head; /* that of never_called() */
static bool armed;
/* Some probe has skip_large: the tracepoint does not tell of those. */
static bool large_is_passed_on;

/* The probe at @head, which is one of ours. */
static __always_inline const struct tracer_probe *probe_at(unsigned long head)
{
	/* A pointer has no bounds that CONFIG_UBSAN_BOUNDS would check. */
	const struct tracer_probe *const *at = heads;
	unsigned long i = hash_32((u32)head, HEAD_BITS);

	while (unlikely(at[i]->head != head))
		i = (i + 1) % ARRAY_SIZE(heads);
	return at[i];
}

static void put_at_head(const struct tracer_probe *probe)
{
	unsigned int i = hash_32((u32)probe->head, HEAD_BITS);

	while (heads[i])
		i = (i + 1) % ARRAY_SIZE(heads);
	heads[i] = probe;
}

/* Unlike a probe's handler it is called with preemption on. */
static void notrace handle_call(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op,
				struct tracer_registers *regs)
{
	const struct hlist_head *bucket = tracer_calling_bucket();
	const struct tracer_probe *probe;
	struct tracer_process *process;

	if (tracer_is_empty(bucket))
		return;
	preempt_disable_notrace();
	process = tracer_calling_process_in(bucket);
	if (!process)
		goto out;
	probe = probe_at(ip);
	/* The size is the first argument of all that pass requests on. */
	if (!tracer_passes_on(probe, tracer_register_argument(regs, 0)))
		tracer_process_count(process, probe->counter, 1);
out:
	preempt_enable_notrace();
}
NOKPROBE_SYMBOL(handle_call);

static struct ftrace_ops ops = {
	.func = handle_call,
	/* Refuses ftrace_enabled=0 while loaded: no call is lost silently. */
	.flags = FTRACE_OPS_FL_PERMANENT | TRACER_FTRACE_FLAGS,
};

static __always_inline void count_block(const struct hlist_head *bucket,
					const void *block, size_t size)
{
	struct tracer_process *process;

	if (ZERO_OR_NULL_PTR(block))
		return;
	preempt_disable_notrace();
	process = tracer_calling_process_in(bucket);
	if (process)
		tracer_count_block(process, block, size);
	preempt_enable_notrace();
}

static void notrace handle_kmalloc(TRACER_KMALLOC_EVENT_PROTO)
{
	const struct hlist_head *bucket = tracer_calling_bucket();

	if (tracer_is_empty(bucket))
		return;
	if (bytes_req <= KMALLOC_MAX_CACHE_SIZE || !large_is_passed_on)
		count_block(bucket, ptr, bytes_req);
}
NOKPROBE_SYMBOL(handle_kmalloc);

#ifdef TRACER_KMALLOC_NODE_EVENT_PROTO
/* None of its functions passes large requests on. */
static void notrace handle_kmalloc_node(TRACER_KMALLOC_NODE_EVENT_PROTO)
{
	const struct hlist_head *bucket = tracer_calling_bucket();

	if (!tracer_is_empty(bucket))
		count_block(bucket, ptr, bytes_req);
}
NOKPROBE_SYMBOL(handle_kmalloc_node);
#endif

/* The tracepoint is the first thing in kfree(), which is all that fires it. */
static void notrace handle_kfree(void *data, unsigned long call_site,
				 const void *block)
{
	const struct hlist_head *bucket = tracer_calling_bucket();
	struct tracer_process *process;

	if (tracer_is_empty(bucket)) {
		tracer_forget_block(block);
		return;
	}
	preempt_disable_notrace();
	process = tracer_calling_process_in(bucket);
	if (process)
		tracer_count_kfree(process, block);
	else
		tracer_forget_block(block);
	preempt_enable_notrace();
}
NOKPROBE_SYMBOL(handle_kfree);

static struct tracer_listener listeners[] = {
	{ .name = "kmalloc", .handler = handle_kmalloc },
#ifdef TRACER_KMALLOC_NODE_EVENT_PROTO
	{ .name = "kmalloc_node", .handler = handle_kmalloc_node },
#endif
	{ .name = "kfree", .handler = handle_kfree },
	{},
};

/* Not called: the compiler compares the handlers with this kernel's events. */
static void __maybe_unused check_types(void)
{
	check_trace_callback_type_kmalloc(handle_kmalloc);
#ifdef TRACER_KMALLOC_NODE_EVENT_PROTO
	check_trace_callback_type_kmalloc_node(handle_kmalloc_node);
#endif
	check_trace_callback_type_kfree(handle_kfree);
}

/* An ops without a filter is called from everywhere: idle, ours has this. */
static noinline void never_called(void)
{
	barrier();
}

/*
 * Where ftrace calls from. No symbol is exported that tells, but a kprobe,
 * which is taken away again, knows and is put where ftrace is.
 * Return: 0, -ENOENT, -EOPNOTSUPP or what register_kprobe() returned.
 */
static int find_head(struct kprobe *kp, unsigned long *head)
{
	int err;

	kp->flags = KPROBE_FLAG_DISABLED;
	err = register_kprobe(kp);
	if (err)
		return err;
	*head = (unsigned long)kp->addr;
	if (!(kp->flags & KPROBE_FLAG_FTRACE))
		err = -EOPNOTSUPP;
	unregister_kprobe(kp);
	return err;
}

static int prepare_head(struct tracer_probe *probe)
{
	struct kprobe kp = { .symbol_name = probe->symbol->name };
	int err = find_head(&kp, &probe->head);

	if (!err)
		put_at_head(probe);
	else if (err != -ENOENT)
		pr_err("ftrace cannot reach %s (error %d): load with engine=kretprobe\n",
		       probe->symbol->name, err);
	return err;
}

/* Return: what ftrace_set_filter_ip() does. */
static int rest(void)
{
	return ftrace_set_filter_ip(&ops, idle_head, 0, 1);
}

/* Not registered, which makes it no more than memory. */
static void free_filter(void)
{
	tracer_free_filter(&ops, idle_head);
	idle_head = 0;
}

static void unregister_idle(void)
{
	unregister_ftrace_function(&ops);
	free_filter();
}

/*
 * From load to unload, with a filter that is changed: to unregister an ops
 * waits until every task has scheduled by itself (synchronize_rcu_tasks()),
 * which can take as long as a busy kernel thread likes.
 */
static int register_idle(void)
{
	struct kprobe kp = { .addr = (void *)never_called };
	int err = find_head(&kp, &idle_head);

	if (!err)
		err = rest();
	if (!err)
		err = register_ftrace_function(&ops);
	if (err == -EBUSY)
		pr_err("ftrace is switched off: write 1 to sysctl kernel.ftrace_enabled, and load again\n");
	else if (err)
		pr_err("cannot register with ftrace (error %d): load with engine=kretprobe\n",
		       err);
	if (err && idle_head)
		free_filter();
	return err;
}

static int prepare(struct tracer_probe *probe)
{
	const struct tracer_symbol *symbol = probe->symbol;
	int err = idle_head ? 0 : register_idle();

	if (err)
		return err;
	if (tracer_is_passed_large(symbol)) {
		err = tracer_kretprobe_engine.prepare(probe);
		large_is_passed_on |= !err;
		return err;
	}
	probe->count_only = symbol->kvmalloc; /* it fires the tracepoint */
	if (symbol->kvmalloc ||
	    symbol->function->meaning == TRACER_IS_KFREE_RCU)
		return tracer_kretprobe_engine.prepare(probe);
	if (symbol->function->meaning != TRACER_IS_KFREE)
		err = prepare_head(probe);
	if (err)
		return err;
	probe->engine = &tracer_ftrace_engine;
	probe->by = probe->head ? "ftrace" : "tracepoint";
	return 0;
}

static void release(void)
{
	struct tracer_probe *probe;

	if (idle_head)
		unregister_idle();
	tracer_kretprobe_engine.release();
	tracer_for_each_probe(probe, &tracer_ftrace_engine)
		probe->engine = NULL;
}

static bool is_armed(const struct tracer_probe *probe)
{
	return armed && (!probe->head || tracer_is_patched(probe->head));
}

static int filter_heads(void)
{
	unsigned long all[TRACER_MAX_SYMBOLS];
	const struct tracer_probe *probe;
	unsigned int count = 0;

	tracer_for_each_probe(probe, &tracer_ftrace_engine)
		if (probe->head)
			all[count++] = probe->head;
	return tracer_filter_heads(&ops, all, count);
}

static int arm(void)
{
	int err = tracer_kretprobe_engine.arm();

	if (err)
		return err;
	err = filter_heads();
	if (err)
		return err;
	armed = true;
	return 0;
}

static int disarm(void)
{
	int err = rest();

	armed = false;
	/* Ends with synchronize_rcu(). */
	return tracer_kretprobe_engine.disarm() ?: err;
}

static unsigned long missed(const struct tracer_probe *probe)
{
	return 0; /* there is nothing to run out of */
}

const struct tracer_engine tracer_ftrace_engine = {
	.name = "ftrace",
	.listeners = listeners,
	.prepare = prepare,
	.release = release,
	.arm = arm,
	.disarm = disarm,
	.is_armed = is_armed,
	.missed = missed,
};
