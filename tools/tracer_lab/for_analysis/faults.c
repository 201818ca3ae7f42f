// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults, each where the checker that its line names must find it: one that
 * does not find them is not at work, whatever it says of the module.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/slab.h>

struct block {
	struct block *next;
	int value;
};

static DEFINE_MUTEX(mutex);

static int __used reads_user_memory(const int __user *from)
{
	return *from; /* found by: sparse */
}

static bool __used takes_zero_for_a_pointer(const struct block *block)
{
	return block == 0; /* found by: sparse */
}

static int __used leaks(int how)
{
	struct block *block = kzalloc(sizeof(*block), GFP_KERNEL);

	if (!block)
		return -ENOMEM;
	if (how)
		return -EINVAL; /* found by: clang */
	kfree(block);
	return 0;
}

static int __used leaks_percpu_memory(int how)
{
	int __percpu *values = alloc_percpu_gfp(int, GFP_KERNEL);

	if (!values)
		return -ENOMEM;
	if (how)
		return -EINVAL; /* found by: clang */
	free_percpu(values);
	return 0;
}

static int __used forgets_that_none_may_be_left(void)
{
	struct block *block = kzalloc(sizeof(*block), GFP_KERNEL);

	block->value = 1; /* found by: clang */
	kfree(block);
	return 0;
}

static int __used uses_what_it_freed(int how)
{
	struct block *block = kvmalloc_array(how, sizeof(*block), GFP_KERNEL);

	if (!block)
		return -ENOMEM;
	kvfree(block);
	return block->value; /* found by: clang */
}

static int __used frees_twice(void)
{
	struct block *block = kzalloc(sizeof(*block), GFP_KERNEL);

	kfree(block);
	kfree(block); /* found by: clang, coccinelle */
	return 0;
}

static int __used follows_null(const struct block *block)
{
	if (!block)
		return block->value; /* found by: clang, coccinelle, gcc */
	return 0;
}

static noinline int follows_null_of_others(const struct block *block)
{
	if (!block)
		return block->value; /* found by: alone, coccinelle, gcc */
	return 0;
}

static int __used calls_it_with_a_block(void)
{
	const struct block block = { .value = 1 };

	return follows_null_of_others(&block);
}

static int __used keeps_a_lock(int how)
{
	mutex_lock(&mutex);
	if (how)
		return -EINVAL; /* found by: coccinelle */
	mutex_unlock(&mutex);
	return 0;
} /* found by: locks */

MODULE_DESCRIPTION("Faults, for those that look for them");
MODULE_LICENSE("GPL");
