// SPDX-License-Identifier: GPL-2.0-only
/* The probes: the one loop that hands the table of symbol.c to the engine. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "engine.h"
#include "probe.h"
#include "trial.h"

/* The table, with what the running kernel makes of each row. */
struct tracer_probe tracer_probes[TRACER_MAX_SYMBOLS];

struct tracer_probe *tracer_next_probe(const struct tracer_probe *probe,
				       const struct tracer_engine *by)
{
	size_t i = probe ? probe - tracer_probes + 1 : 0;

	for (; i < ARRAY_SIZE(tracer_probes); i++) {
		const struct tracer_engine *engine = tracer_probes[i].engine;

		if (engine && (!by || engine == by))
			return &tracer_probes[i];
	}
	return NULL;
}

bool tracer_is_probed(const char *symbol)
{
	const struct tracer_probe *probe;

	tracer_for_each_probe(probe, NULL) {
		if (!strcmp(probe->symbol->name, symbol))
			return true;
	}
	return false;
}

bool tracer_is_passed_large(const struct tracer_symbol *symbol)
{
	const struct tracer_probe *probe;

	tracer_for_each_probe(probe, NULL) {
		const char *large = probe->symbol->large;

		if (large && !strcmp(large, symbol->name))
			return true;
	}
	return false;
}

bool tracer_is_patched(unsigned long head)
{
	u8 opcode;

	if (copy_from_kernel_nofault(&opcode, (void *)head, sizeof(opcode)))
		return false;
	return opcode == 0xe8 || opcode == 0xcc; /* call, or being patched */
}

static bool is_served(const struct tracer_function *function)
{
	const struct tracer_probe *probe;

	tracer_for_each_probe(probe, NULL) {
		if (probe->symbol->function == function)
			return true;
	}
	return false;
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
	if (symbol->needs && !tracer_is_probed(symbol->needs))
		return 0;
	return symbol->kvmalloc ? kvmalloc_serves() : 1;
}

static int prepare(struct tracer_probe *probe,
		   const struct tracer_symbol *symbol)
{
	int serves = symbol_serves(symbol);

	if (serves <= 0)
		return serves;
	probe->symbol = symbol;
	probe->counter = symbol->function->counter;
	return tracer_engine->prepare(probe);
}

static int prepare_all(void)
{
	size_t i;
	int err;

	for (i = 0; i < TRACER_MAX_SYMBOLS && tracer_symbols[i].function; i++) {
		err = prepare(&tracer_probes[i], &tracer_symbols[i]);
		if (err && err != -ENOENT)
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
	struct tracer_probe *probe;
	int err;

	err = prepare_all();
	if (!err)
		err = check_functions();
	if (err) {
		tracer_probes_unregister();
		return err;
	}
	tracer_for_each_probe(probe, NULL)
		probe->skip_large = probe->symbol->large &&
				    tracer_is_probed(probe->symbol->large);
	return 0;
}

void tracer_probes_unregister(void)
{
	unsigned long missed = tracer_probes_missed();

	if (missed)
		pr_warn("%lu samples were missed: the numbers read were too low by up to as many\n",
			missed);
	tracer_engine->release();
}

unsigned int tracer_probes_count(void)
{
	const struct tracer_probe *probe;
	unsigned int count = 0;

	tracer_for_each_probe(probe, NULL)
		count++;
	return count;
}

unsigned long tracer_probes_missed(void)
{
	const struct tracer_probe *probe;
	unsigned long missed = 0;

	tracer_for_each_probe(probe, NULL)
		missed += probe->engine->missed(probe);
	return missed;
}

void tracer_probes_show(struct seq_file *m)
{
	const struct tracer_probe *probe;

	seq_puts(m, "function symbol armed missed by\n");
	tracer_for_each_probe(probe, NULL)
		seq_printf(m, "%s %s %s %lu %s\n",
			   probe->symbol->function->name, probe->symbol->name,
			   str_yes_no(probe->engine->is_armed(probe)),
			   probe->engine->missed(probe), probe->by);
}
