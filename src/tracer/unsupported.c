// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module is on a kernel that was built without kretprobes, and on one
 * for which the rest does not compile: it compiles, and refuses to load with
 * one line that says why. modinfo shows the same.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

#ifdef CONFIG_KRETPROBES
#define REASON \
	"this version does not compile for this kernel: install a newer one, or boot another kernel"
#else
#define REASON \
	"this kernel has no kretprobes: use one built with CONFIG_KRETPROBES=y"
#endif
MODULE_INFO(unsupported, REASON);

static int __init tracer_init(void)
{
	pr_err(REASON "\n");
	return -EOPNOTSUPP;
}
module_init(tracer_init);

MODULE_DESCRIPTION("Counts kernel calls of chosen processes");
MODULE_LICENSE("GPL");
MODULE_VERSION(TRACER_VERSION);
