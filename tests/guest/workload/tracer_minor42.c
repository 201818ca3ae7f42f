// SPDX-License-Identifier: GPL-2.0-only
/* Sits on misc minor 42, so that tracer cannot have it. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static const struct file_operations fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice device = {
	.minor = 42,
	.name = "tracer_minor42",
	.fops = &fops,
};

module_misc_device(device);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Takes misc minor 42 away from tracer");
