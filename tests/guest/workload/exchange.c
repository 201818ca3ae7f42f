// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks that a worker allocated are freed by another task, and their
 * addresses come back as blocks of another size: whoever keeps sizes by
 * address must have forgotten the first.
 */
#include <linux/slab.h>

#include "workload.h"

struct delayed {
	struct rcu_head rcu;
};

void worker_release(struct worker *worker, bool by_rcu)
{
	struct blocks *own = &worker->own;

	worker->released = own->first;
	for (; own->first < own->end; own->first++) {
		struct delayed *block = own->at[own->first];

		if (by_rcu)
			kfree_rcu(block, rcu);
		else
			kfree(block);
	}
}

static bool was_released(const struct worker *worker, const void *block)
{
	for (unsigned int i = worker->released; i < worker->own.end; i++)
		if (worker->own.at[i] == block)
			return true;
	return false;
}

/* Return: 0 if some address came back, -EAGAIN if none did. */
int worker_reuse(struct worker *worker, size_t size)
{
	unsigned int wanted = worker->own.end - worker->released;
	struct blocks *foreign = &worker->foreign;
	unsigned int again = 0;
	int error;

	for (unsigned int i = 0; i < wanted; i++) {
		void *block = kmalloc(size, GFP_KERNEL);

		error = blocks_push(foreign, block);
		if (error)
			return error;
		again += was_released(worker, block);
		worker->foreign_usable += ksize(block);
	}
	if (again)
		return 0;
	while (foreign->first < foreign->end)
		kfree(foreign->at[--foreign->end]);
	worker->foreign_usable = 0;
	return -EAGAIN;
}
