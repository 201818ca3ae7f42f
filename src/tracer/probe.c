// SPDX-License-Identifier: GPL-2.0-only
/* The table of probes, and the one loop that registers, arms and undoes. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "handler.h"
#include "probe.h"

static const struct tracer_function function_kmalloc = {
	.name = "kmalloc",
	.entry = tracer_handle_kmalloc,
	.ret = tracer_handle_kmalloc_return,
	.data_size = sizeof(struct tracer_kmalloc_call),
	.counter = TRACER_KMALLOC,
};

static const struct tracer_function function_kfree = {
	.name = "kfree",
	.entry = tracer_handle_kfree,
	.counter = TRACER_KFREE,
};

static const struct tracer_function function_schedule = {
	.name = "schedule",
	.entry = tracer_handle_call,
	.counter = TRACER_SCHED,
};

static const struct tracer_function function_up = {
	.name = "up",
	.entry = tracer_handle_call,
	.counter = TRACER_UP,
};

static const struct tracer_function function_down = {
	.name = "down_interruptible",
	.entry = tracer_handle_call,
	.counter = TRACER_DOWN,
};

static const struct tracer_function function_lock = {
	.name = "mutex_lock",
	.entry = tracer_handle_call,
	.counter = TRACER_LOCK,
};

static const struct tracer_function function_unlock = {
	.name = "mutex_unlock",
	.entry = tracer_handle_call,
	.counter = TRACER_UNLOCK,
};

/* Counts nothing: it tells block.c of blocks that never reach kfree(). */
static const struct tracer_function function_kfree_rcu = {
	.name = "kfree_rcu",
	.entry = tracer_handle_kfree_rcu,
	.optional = true,
};

static const struct tracer_function *const functions[] = {
	&function_kmalloc, &function_kfree,	&function_schedule,
	&function_up,	   &function_down,	&function_lock,
	&function_unlock,  &function_kfree_rcu,
};

#define KMALLOC(symbol, arg) \
	.function = &function_kmalloc, .name = symbol, .size_arg = arg

/*
 * Every symbol that serves a function on some kernel; those that the running
 * kernel has are probed. The kmalloc rows name entry points only, never a
 * helper that one of them calls.
 */
static const struct tracer_symbol symbols[] = {
	/* 5.10 and 6.1 */
	{ KMALLOC("__kmalloc", 0), .large = "kmalloc_order_trace" },
	{ KMALLOC("__kmalloc_node", 0) },
	{ KMALLOC("__kmalloc_node_track_caller", 0) },
	/* 5.10 */
	{ KMALLOC("__kmalloc_track_caller", 0),
	  .large = "kmalloc_order_trace" },
	{ KMALLOC("kmem_cache_alloc_trace", 2) },
	{ KMALLOC("kmem_cache_alloc_node_trace", 3) },
	{ KMALLOC("kmalloc_order_trace", 0) },
	/* 6.1 */
	{ KMALLOC("kmalloc_trace", 2) },
	{ KMALLOC("kmalloc_node_trace", 3) },
	{ KMALLOC("kmalloc_large", 0) },
	{ KMALLOC("kmalloc_large_node", 0) },
	/* 6.12 and newer */
	{ KMALLOC("__kmalloc_noprof", 0), .large = "__kmalloc_large_noprof" },
	{ KMALLOC("__kmalloc_node_noprof", 0),
	  .large = "__kmalloc_large_node_noprof" },
	{ KMALLOC("__kmalloc_node_track_caller_noprof", 0),
	  .large = "__kmalloc_large_node_noprof" },
	{ KMALLOC("__kmalloc_cache_noprof", 2) },
	{ KMALLOC("__kmalloc_cache_node_noprof", 3) },
	{ KMALLOC("__kmalloc_large_noprof", 0) },
	{ KMALLOC("__kmalloc_large_node_noprof", 0) },
	/* 7.2 and newer, where kvmalloc does not call a symbol above */
	{ KMALLOC("__kmalloc_flags_noprof", 0),
	  .large = "__kmalloc_large_node_noprof" },
	{ KMALLOC("__kvmalloc_node_noprof", 0),
	  .large = "__kmalloc_large_node_noprof",
	  .needs = "__kmalloc_flags_noprof", .vmalloc = true },

	{ .function = &function_kfree, .name = "kfree" },
	{ .function = &function_schedule, .name = "schedule" },
	{ .function = &function_up, .name = "up" },
	{ .function = &function_down, .name = "down_interruptible" },
	/* With CONFIG_DEBUG_LOCK_ALLOC mutex_lock() is a macro for the second. */
	{ .function = &function_lock, .name = "mutex_lock" },
	{ .function = &function_lock, .name = "mutex_lock_nested" },
	{ .function = &function_unlock, .name = "mutex_unlock" },
	{ .function = &function_kfree_rcu, .name = "kvfree_call_rcu" },
};

static struct tracer_probe probes[ARRAY_SIZE(symbols)];

static bool is_probed(const char *symbol)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].registered &&
		    !strcmp(probes[i].symbol->name, symbol))
			return true;
	return false;
}

static bool is_served(const struct tracer_function *function)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].registered &&
		    probes[i].symbol->function == function)
			return true;
	return false;
}

/*
 * An instance is held from entry to return, so only a kmalloc() that sleeps in
 * reclaim holds one for long: 16 were enough for 160 threads on four CPUs.
 * A declining entry handler holds one only while it runs, one a CPU.
 */
static int max_active(const struct tracer_function *function)
{
	return function->ret ? max(512, 8 * (int)num_possible_cpus()) :
			       max(16, 2 * (int)num_possible_cpus());
}

static int probe_register(struct tracer_probe *probe)
{
	const struct tracer_function *function = probe->symbol->function;
	int err;

	probe->rp = (struct kretprobe){
		.kp.symbol_name = probe->symbol->name,
		.kp.flags = KPROBE_FLAG_DISABLED,
		.entry_handler = function->entry,
		.handler = function->ret,
		.data_size = function->data_size,
		.maxactive = max_active(function),
	};
	err = register_kretprobe(&probe->rp);
	if (err == -EOPNOTSUPP || err == -ENOSYS)
		pr_err("this kernel has no kretprobes: use one built with CONFIG_KRETPROBES=y\n");
	else if (err && err != -ENOENT)
		pr_err("cannot probe %s (error %d): see whether it is in debugfs kprobes/blacklist\n",
		       probe->symbol->name, err);
	probe->registered = !err;
	return err;
}

/*
 * Where a probe is a breakpoint, x86 enters its handler as an NMI and in_task()
 * would never be true. Better no numbers than zeroes.
 */
static int probe_check(const struct tracer_probe *probe)
{
	if (!IS_ENABLED(CONFIG_X86) || probe->rp.kp.flags & KPROBE_FLAG_FTRACE)
		return 0;
	pr_err("the probe of %s is a breakpoint: use a kernel built with CONFIG_KPROBES_ON_FTRACE=y\n",
	       probe->symbol->name);
	return -EOPNOTSUPP;
}

static int register_all(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		probes[i].symbol = &symbols[i];
		if (symbols[i].needs && !is_probed(symbols[i].needs))
			continue;
		err = probe_register(&probes[i]);
		if (err == -ENOENT)
			continue;
		if (!err)
			err = probe_check(&probes[i]);
		if (err)
			return err;
	}
	return 0;
}

static int check_functions(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (functions[i]->optional || is_served(functions[i]))
			continue;
		pr_err("no symbol of this kernel serves %s: a newer version of tracer may know it\n",
		       functions[i]->name);
		return -ENOENT;
	}
	return 0;
}

int tracer_probes_register(void)
{
	size_t i;
	int err;

	err = register_all();
	if (!err)
		err = check_functions();
	if (err) {
		tracer_probes_unregister();
		return err;
	}
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		probes[i].skip_large = symbols[i].large &&
				       is_probed(symbols[i].large);
	return 0;
}

/* As a batch: half the cost of one by one, which waits for RCU each time. */
void tracer_probes_unregister(void)
{
	struct kretprobe *batch[ARRAY_SIZE(probes)];
	unsigned long missed = tracer_probes_missed();
	int count = 0;
	size_t i;

	if (missed)
		pr_warn("%lu samples were missed: the numbers read were too low by up to as many\n",
			missed);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (probes[i].registered)
			batch[count++] = &probes[i].rp;
		probes[i].registered = false;
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
	u8 opcode;

	if (kp->flags & (KPROBE_FLAG_DISABLED | KPROBE_FLAG_GONE))
		return false;
	if (!IS_ENABLED(CONFIG_X86) || !(kp->flags & KPROBE_FLAG_FTRACE))
		return true;
	if (copy_from_kernel_nofault(&opcode, kp->addr, sizeof(opcode)))
		return false;
	return opcode == 0xe8 || opcode == 0xcc; /* call, or being patched */
}

static void disarm_first(size_t count)
{
	while (count--)
		if (probes[count].registered)
			disable_kretprobe(&probes[count].rp);
	synchronize_rcu(); /* no handler runs any more */
}

int tracer_probes_arm(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!probes[i].registered)
			continue;
		err = enable_kretprobe(&probes[i].rp);
		if (!err && !is_armed(&probes[i]))
			err = -EBUSY;
		if (err) {
			disarm_first(i + 1);
			return err;
		}
	}
	return 0;
}

void tracer_probes_disarm(void)
{
	disarm_first(ARRAY_SIZE(probes));
}

unsigned int tracer_probes_count(void)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		count += probes[i].registered;
	return count;
}

/*
 * No instance was free. (Not kp.nmissed, which counts calls from within the
 * handler of any probe: by an interrupt, or by another instrument. Neither is
 * a call of the process.)
 */
static unsigned long probe_missed(const struct tracer_probe *probe)
{
	return READ_ONCE(probe->rp.nmissed);
}

unsigned long tracer_probes_missed(void)
{
	unsigned long missed = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].registered)
			missed += probe_missed(&probes[i]);
	return missed;
}

void tracer_probes_show(struct seq_file *m)
{
	size_t i;

	seq_puts(m, "function symbol armed missed\n");
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		const struct tracer_probe *probe = &probes[i];

		if (!probe->registered)
			continue;
		seq_printf(m, "%s %s %s %lu\n", probe->symbol->function->name,
			   probe->symbol->name, is_armed(probe) ? "yes" : "no",
			   probe_missed(probe));
	}
}
