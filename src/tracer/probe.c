// SPDX-License-Identifier: GPL-2.0-only
/* The probes: the one loop that registers the table of symbol.c, and arms. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "handler.h"
#include "probe.h"
#include "trial.h"

/* The table, with what the running kernel makes of each row. */
static struct tracer_probe probes[TRACER_MAX_SYMBOLS];

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

/*
 * The trial of kvmalloc() comes after the first row, so that a kernel whose
 * probes cannot be used at all has been found out.
 * Return: 1 if it serves, 0 if not, or a negative errno.
 */
static int kvmalloc_serves(void)
{
	int calls = tracer_trial_kvmalloc();

	if (calls == -ENOENT) /* the kernel is older than the question */
		return 0;
	if (calls == -EBUSY)
		pr_err("kprobes or ftrace are switched off: write 1 to debugfs kprobes/enabled and to sysctl kernel.ftrace_enabled, and load again\n");
	else if (calls < 0)
		pr_err("cannot probe kmalloc_node() for a trial (error %d)\n",
		       calls);
	return calls < 0 ? calls : !calls;
}

/* Return: 1 if the row is to be probed here, 0 if not, or a negative errno. */
static int symbol_serves(const struct tracer_symbol *symbol)
{
	if (symbol->needs && !is_probed(symbol->needs))
		return 0;
	return symbol->kvmalloc ? kvmalloc_serves() : 1;
}

static int register_all(void)
{
	const struct tracer_symbol *symbol = tracer_symbols;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(probes) && symbol->function; i++, symbol++) {
		probes[i].symbol = symbol;
		err = symbol_serves(symbol);
		if (!err)
			continue;
		if (err > 0)
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

	for (i = 0; tracer_functions[i]; i++) {
		if (tracer_functions[i]->optional ||
		    is_served(tracer_functions[i]))
			continue;
		pr_err("no symbol of this kernel serves %s: a newer version of tracer may know it\n",
		       tracer_functions[i]->name);
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
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		const struct tracer_symbol *symbol = probes[i].symbol;

		probes[i].skip_large = symbol && symbol->large &&
				       is_probed(symbol->large);
	}
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
