// SPDX-License-Identifier: GPL-2.0-only
/* Which engine is used. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "engine.h"

static char *engine = "kretprobe";
module_param(engine, charp, 0444);
MODULE_PARM_DESC(
	engine,
	"how functions are intercepted: kretprobe (default), or ftrace, which costs a third and gives the same numbers");

const struct tracer_engine *tracer_engine;

int tracer_engine_choose(void)
{
	if (sysfs_streq(engine, "kretprobe")) {
		tracer_engine = &tracer_kretprobe_engine;
		return 0;
	}
	if (!sysfs_streq(engine, "ftrace")) {
		pr_err("engine=%s is not known: give kretprobe or ftrace\n",
		       engine);
		return -EINVAL;
	}
#ifdef CONFIG_KPROBES_ON_FTRACE
	tracer_engine = &tracer_ftrace_engine;
	return 0;
#else
	pr_err("engine=ftrace needs a kernel built with CONFIG_FUNCTION_TRACER=y and CONFIG_KPROBES_ON_FTRACE=y: load with engine=kretprobe\n");
	return -EOPNOTSUPP;
#endif
}
