// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module is on a kernel that was built without kretprobes: it
 * compiles, and refuses to load with one line that says why.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

static int __init tracer_init(void)
{
	pr_err("this kernel has no kretprobes: use one built with CONFIG_KRETPROBES=y\n");
	return -EOPNOTSUPP;
}
module_init(tracer_init);

MODULE_DESCRIPTION("Counts kernel calls of chosen processes");
MODULE_LICENSE("GPL");
MODULE_VERSION(TRACER_VERSION);
