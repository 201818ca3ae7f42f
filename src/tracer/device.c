// SPDX-License-Identifier: GPL-2.0-only
/* /dev/tracer: requests to add and remove processes, and records of ended ones.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "device.h"
#include "monitor.h"
#include "record.h"
#include "session.h"
#include "sysfs.h"
#include "tracer.h"

static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = tracer_session_create(file);
	return file->private_data ? 0 : -ENOMEM;
}

static int device_release(struct inode *inode, struct file *file)
{
	tracer_session_close(file->private_data);
	return 0;
}

static ssize_t device_read(struct file *file, char __user *buffer, size_t size,
			   loff_t *position)
{
	return tracer_records_read(file->private_data, buffer, size,
				   !(file->f_flags & O_NONBLOCK));
}

static __poll_t device_poll(struct file *file, struct poll_table_struct *table)
{
	return tracer_records_poll(file->private_data, file, table);
}

/* The argument is a pid_t by value; whatever is above its 32 bits is noise. */
static long device_ioctl(struct file *file, unsigned int request,
			 unsigned long argument)
{
	struct tracer_session *session = file->private_data;

	switch (request) {
	case TRACER_ADD_PROCESS:
		return tracer_monitor_add(session, (pid_t)argument, false);
	case TRACER_ADD_TREE:
		return tracer_monitor_add(session, (pid_t)argument, true);
	case TRACER_REMOVE_PROCESS:
		return tracer_monitor_remove((pid_t)argument);
	case TRACER_REMOVE_ALL:
		tracer_monitor_remove_all(session);
		return 0;
	case TRACER_HAS_PROCESS:
		return tracer_monitor_has(session, (pid_t)argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.poll = device_poll,
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
