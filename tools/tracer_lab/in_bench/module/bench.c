// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracer_bench: calls the functions that tracer counts, and takes the time.
 *
 *	echo "mutex 100000" > /proc/tracer_bench
 *
 * does a work that many times in the context of the writer. Reading the same
 * open file gives the nanoseconds that the last one took.
 */
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define NAME "tracer_bench"
#define COMMAND_LENGTH 64

struct work {
	const char *name;
	void (*run)(unsigned long count);
};

static DEFINE_MUTEX(work_mutex);
static struct semaphore work_semaphore;
/* Read anew each time: a constant size is served by another entry point. */
static size_t variable_size = 100;

/* Two instructions an iteration. */
static void run_loop(unsigned long count)
{
#if defined(CONFIG_X86)
	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(count) : : "cc");
#elif defined(CONFIG_ARM64)
	asm volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(count) : : "cc");
#else
#error "a loop of two instructions is to be written for this processor"
#endif
}

static void run_mutex(unsigned long count)
{
	while (count--) {
		mutex_lock(&work_mutex);
		mutex_unlock(&work_mutex);
	}
}

static void run_kmalloc64(unsigned long count)
{
	while (count--)
		kfree(kmalloc(64, GFP_KERNEL));
}

static void run_kmalloc_variable(unsigned long count)
{
	while (count--)
		kfree(kmalloc(READ_ONCE(variable_size), GFP_KERNEL));
}

static void run_semaphore(unsigned long count)
{
	while (count--) {
		up(&work_semaphore);
		/* Never waits, as it was just upped: nothing to interrupt. */
		if (down_interruptible(&work_semaphore))
			return;
	}
}

static void run_schedule(unsigned long count)
{
	while (count--)
		schedule();
}

static const struct work works[] = {
	{ "loop", run_loop },
	{ "mutex", run_mutex },
	{ "kmalloc64", run_kmalloc64 },
	{ "kmalloc-variable", run_kmalloc_variable },
	{ "semaphore", run_semaphore },
	{ "schedule", run_schedule },
};

static const struct work *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(works); i++)
		if (!strcmp(works[i].name, name))
			return &works[i];
	return NULL;
}

static ssize_t bench_write(struct file *file, const char __user *from,
			   size_t length, loff_t *position)
{
	char command[COMMAND_LENGTH];
	const struct work *work;
	unsigned long count;
	char *rest = command;
	u64 begun;

	if (length >= sizeof(command))
		return -E2BIG;
	if (copy_from_user(command, from, length))
		return -EFAULT;
	command[length] = '\0';
	work = find(strsep(&rest, " "));
	if (!work || !rest || kstrtoul(strim(rest), 10, &count) || !count)
		return -EINVAL;
	begun = ktime_get_ns();
	work->run(count);
	file->private_data = (void *)(unsigned long)(ktime_get_ns() - begun);
	return length;
}

static ssize_t bench_read(struct file *file, char __user *to, size_t length,
			  loff_t *position)
{
	char text[COMMAND_LENGTH];
	int size = scnprintf(text, sizeof(text), "%lu\n",
			     (unsigned long)file->private_data);

	*position = 0;
	return simple_read_from_buffer(to, length, position, text, size);
}

static const struct proc_ops bench_ops = {
	.proc_write = bench_write,
	.proc_read = bench_read,
	.proc_lseek = noop_llseek,
};

static int __init bench_init(void)
{
	sema_init(&work_semaphore, 1);
	return proc_create(NAME, 0600, NULL, &bench_ops) ? 0 : -ENOMEM;
}

static void __exit bench_exit(void)
{
	remove_proc_entry(NAME, NULL);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Calls of the functions that tracer counts, timed");
