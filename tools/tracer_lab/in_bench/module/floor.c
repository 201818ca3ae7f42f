// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracer_floor: probes that do nothing, on the symbols that it is given. What
 * they cost is what no user of such a probe can do without.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define MAX_SYMBOLS 64
#define MAX_ACTIVE 512

static char *symbols[MAX_SYMBOLS];
static unsigned int symbol_count;
module_param_array(symbols, charp, &symbol_count, 0444);
MODULE_PARM_DESC(symbols, "what to probe");

static char *kind = "kprobe";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(
	kind,
	"ftrace, kprobe, declines (a kretprobe that wants no return) or returns");

static struct kprobe *kprobes[MAX_SYMBOLS];
static struct kretprobe *kretprobes[MAX_SYMBOLS];

static void nothing_at_call(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *op, struct ftrace_regs *fregs)
{
}
NOKPROBE_SYMBOL(nothing_at_call);

static struct ftrace_ops ops = { .func = nothing_at_call };

static int nothing_before(struct kprobe *p, struct pt_regs *regs)
{
	return 0;
}
NOKPROBE_SYMBOL(nothing_before);

static int decline(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return 1;
}
NOKPROBE_SYMBOL(decline);

static int nothing_after(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return 0;
}
NOKPROBE_SYMBOL(nothing_after);

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < symbol_count; i++) {
		kfree(kprobes[i]);
		kfree(kretprobes[i]);
	}
}

static int create_kprobe(unsigned int i)
{
	kprobes[i] = kzalloc(sizeof(*kprobes[i]), GFP_KERNEL);
	if (!kprobes[i])
		return -ENOMEM;
	kprobes[i]->symbol_name = symbols[i];
	kprobes[i]->pre_handler = nothing_before;
	return 0;
}

static int create_kretprobe(unsigned int i, bool declines)
{
	kretprobes[i] = kzalloc(sizeof(*kretprobes[i]), GFP_KERNEL);
	if (!kretprobes[i])
		return -ENOMEM;
	kretprobes[i]->kp.symbol_name = symbols[i];
	kretprobes[i]->entry_handler = declines ? decline : NULL;
	kretprobes[i]->handler = nothing_after;
	kretprobes[i]->maxactive = MAX_ACTIVE;
	return 0;
}

static bool is_kprobe(void)
{
	return !strcmp(kind, "kprobe");
}

static bool is_ftrace(void)
{
	return !strcmp(kind, "ftrace");
}

static int create(unsigned int i)
{
	if (is_ftrace())
		return ftrace_set_filter(&ops, symbols[i], strlen(symbols[i]),
					 0);
	if (is_kprobe())
		return create_kprobe(i);
	return create_kretprobe(i, !strcmp(kind, "declines"));
}

static int create_all(void)
{
	static const char *const kinds[] = { "ftrace", "kprobe", "declines",
					     "returns" };
	unsigned int i;
	int err = match_string(kinds, ARRAY_SIZE(kinds), kind);

	if (!symbol_count || err < 0)
		return -EINVAL;
	for (i = 0, err = 0; i < symbol_count && !err; i++)
		err = create(i);
	return err;
}

static int register_all(void)
{
	if (is_ftrace())
		return register_ftrace_function(&ops);
	if (is_kprobe())
		return register_kprobes(kprobes, symbol_count);
	return register_kretprobes(kretprobes, symbol_count);
}

static int __init floor_init(void)
{
	int err = create_all();

	if (!err)
		err = register_all();
	if (err) {
		pr_err("cannot probe (error %d): see kind and symbols\n", err);
		free_all();
	}
	return err;
}

static void __exit floor_exit(void)
{
	if (is_ftrace())
		unregister_ftrace_function(&ops);
	else if (is_kprobe())
		unregister_kprobes(kprobes, symbol_count);
	else
		unregister_kretprobes(kretprobes, symbol_count);
	free_all();
}

module_init(floor_init);
module_exit(floor_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Probes that do nothing");
