// SPDX-License-Identifier: GPL-2.0-only
/* /dev/tracer: takes requests to add and remove processes. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "device.h"
#include "monitor.h"
#include "sysfs.h"
#include "tracer.h"

/* The argument is a pid_t by value; whatever is above its 32 bits is noise. */
static long device_ioctl(struct file *file, unsigned int request,
			 unsigned long argument)
{
	switch (request) {
	case TRACER_ADD_PROCESS:
		return tracer_monitor_add((pid_t)argument);
	case TRACER_REMOVE_PROCESS:
		return tracer_monitor_remove((pid_t)argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	/* Not compat_ptr_ioctl(): the argument is no pointer. */
	.compat_ioctl = device_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = TRACER_DEV_MINOR,
	.name = TRACER_DEV_NAME,
	.fops = &device_fops,
	.groups = tracer_sysfs_groups,
	.mode = 0600, /* udev gives it to the group tracer */
};

int tracer_device_register(void)
{
	int err = misc_register(&device);

	if (err == -EBUSY)
		pr_err("misc minor %d is taken by another driver: find it in /proc/misc and unload it\n",
		       TRACER_DEV_MINOR);
	else if (err)
		pr_err("cannot register the device (error %d)\n", err);
	return err;
}

void tracer_device_unregister(void)
{
	misc_deregister(&device);
}

/* A static node, and the module loaded at its first open. */
MODULE_ALIAS_MISCDEV(TRACER_DEV_MINOR);
MODULE_ALIAS("devname:" TRACER_DEV_NAME);
