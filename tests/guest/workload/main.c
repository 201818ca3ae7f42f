// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracer_workload: the tests tell it by debugfs which tasks do how much.
 *
 *	threads		w  COUNT STEP...: that many kernel threads, parked
 *	here		w  STEP...: the writing task works, returns at its end
 *	control		w  go | end | release | release_rcu | reuse SIZE
 *	workers		r  one line a worker
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "workload.h"

#define COMMAND_LENGTH 4096

static struct dentry *directory;

static int control(char *command)
{
	char *verb = strsep(&command, " ");
	unsigned long size;

	if (!strcmp(verb, "go"))
		workers_go();
	else if (!strcmp(verb, "end"))
		workers_end();
	else if (!strcmp(verb, "release"))
		workers_release(false);
	else if (!strcmp(verb, "release_rcu"))
		workers_release(true);
	else if (!strcmp(verb, "reuse") && command &&
		 !kstrtoul(command, 10, &size))
		return workers_reuse(size);
	else
		return -EINVAL;
	return 0;
}

static ssize_t write_command(struct file *file, const char __user *from,
			     size_t length, loff_t *position)
{
	int (*act)(char *command) = file_inode(file)->i_private;
	char *command;
	int error;

	if (length > COMMAND_LENGTH)
		return -E2BIG;
	command = memdup_user_nul(from, length);
	if (IS_ERR(command))
		return PTR_ERR(command);
	error = act(strim(command));
	kfree(command);
	return error ?: length;
}

static ssize_t read_workers(struct file *file, char __user *to, size_t length,
			    loff_t *position)
{
	char *text = kmalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t got;

	if (!text)
		return -ENOMEM;
	got = simple_read_from_buffer(to, length, position, text,
				      workers_print(text, PAGE_SIZE));
	kfree(text);
	return got;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = write_command,
	.llseek = noop_llseek,
};

static const struct file_operations workers_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = read_workers,
	.llseek = default_llseek,
};

static int __init workload_init(void)
{
	int error = allocations_start();

	if (error)
		return error;
	directory = debugfs_create_dir("tracer_workload", NULL);
	debugfs_create_file("threads", 0200, directory, workers_create_threads,
			    &command_fops);
	debugfs_create_file("here", 0200, directory, workers_work_here,
			    &command_fops);
	debugfs_create_file("now", 0200, directory, workers_work_now,
			    &command_fops);
	debugfs_create_file("control", 0200, directory, control, &command_fops);
	debugfs_create_file("workers", 0400, directory, NULL, &workers_fops);
	return 0;
}

static void __exit workload_exit(void)
{
	debugfs_remove(directory);
	workers_end();
	allocations_stop();
}

module_init(workload_init);
module_exit(workload_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A known number of each operation that tracer counts");
