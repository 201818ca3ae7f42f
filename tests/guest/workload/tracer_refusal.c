// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes one function of the kernel refuse what it is asked for one symbol, so
 * that tracer is refused it: a probe of the function sends the call to another
 * one, which returns an error. Which symbol, by a write to the parameters.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

static char *function = "register_kretprobe";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function,
		 "which function refuses: see refusals in the source");

static char symbol[KSYM_NAME_LEN];
module_param_string(symbol, symbol, sizeof(symbol), 0644);
MODULE_PARM_DESC(symbol, "what it is asked for then");

static int error = EINVAL;
module_param(error, int, 0644);
MODULE_PARM_DESC(error, "number of the errno that it returns");

static int times;
module_param(times, int, 0644);
MODULE_PARM_DESC(times, "how often it refuses from now on");

/* Some functions are asked for an address. Our tests ask one at a time. */
static const char *symbol_at(unsigned long address)
{
	static char text[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(text, address);
	return text;
}

/* A kretprobe begins with a kprobe. */
static const char *symbol_of_kprobe(struct pt_regs *regs)
{
	const struct kprobe *kp = (void *)regs_get_kernel_argument(regs, 0);

	return kp->symbol_name ?: symbol_at((unsigned long)kp->addr);
}

static const char *name_of_tracepoint(struct pt_regs *regs)
{
	const struct tracepoint *tracepoint =
		(void *)regs_get_kernel_argument(regs, 0);

	return tracepoint->name;
}

static const char *symbol_of_filter(struct pt_regs *regs)
{
	return symbol_at(regs_get_kernel_argument(regs, 1));
}

static const char *first_symbol_of_filter(struct pt_regs *regs)
{
	const unsigned long *addresses =
		(void *)regs_get_kernel_argument(regs, 1);

	return symbol_at(addresses[0]);
}

static const struct refusal {
	const char *function;
	const char *(*asked_for)(struct pt_regs *regs);
} refusals[] = {
	{ "register_kprobe", symbol_of_kprobe },
	{ "register_kretprobe", symbol_of_kprobe },
	{ "enable_kprobe", symbol_of_kprobe },
	{ "disable_kprobe", symbol_of_kprobe },
	{ "tracepoint_probe_register", name_of_tracepoint },
	{ "ftrace_set_filter_ip", symbol_of_filter },
	{ "ftrace_set_filter_ips", first_symbol_of_filter },
};

static const struct refusal *refusal;

/* In place of the function. */
static int refuse(void)
{
	return -error;
}

/* Return: 1 if the call goes elsewhere. */
static int send_elsewhere(struct kprobe *kp, struct pt_regs *regs)
{
	if (times <= 0 || strcmp(refusal->asked_for(regs), symbol))
		return 0;
	times--;
	instruction_pointer_set(regs, (unsigned long)refuse);
	return 1;
}
NOKPROBE_SYMBOL(send_elsewhere);

/* Only a probe that has one may send a call elsewhere. */
static void after(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(after);

static struct kprobe probe = {
	.pre_handler = send_elsewhere,
	.post_handler = after,
};

static int __init refusal_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		if (!strcmp(refusals[i].function, function))
			refusal = &refusals[i];
	if (!refusal) {
		pr_err("function=%s is not known\n", function);
		return -EINVAL;
	}
	probe.symbol_name = refusal->function;
	return register_kprobe(&probe);
}

static void __exit refusal_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(refusal_init);
module_exit(refusal_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Has the kernel refuse what tracer asks of it");
