// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations on memory, one function each. An operation makes exactly the
 * calls that its name says; what the test expects of it is in workload.py.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "workload.h"

#define TEXT_LENGTH 20000

/* Read by kstrdup() and kmemdup(): letters, and a NUL at its very end. */
static char *text;

/* The compiler must not know the sizes, or it takes another entry point. */
static size_t too_large = KMALLOC_MAX_SIZE + 1;

int blocks_create(struct blocks *blocks)
{
	blocks->at = kvcalloc(WORKER_BLOCKS, sizeof(*blocks->at), GFP_KERNEL);
	return blocks->at ? 0 : -ENOMEM;
}

void blocks_destroy(struct blocks *blocks)
{
	for (; blocks->at && blocks->first < blocks->end; blocks->first++)
		kvfree(blocks->at[blocks->first]);
	kvfree(blocks->at);
	blocks->at = NULL;
}

int blocks_push(struct blocks *blocks, void *block)
{
	if (!block)
		return -ENOMEM;
	if (blocks->end == WORKER_BLOCKS) {
		kvfree(block);
		return -E2BIG;
	}
	blocks->at[blocks->end++] = block;
	return 0;
}

static int free_first(struct blocks *blocks)
{
	if (blocks->first == blocks->end)
		return -ENODATA;
	/* Goes to kfree(), unless kvmalloc() had to take a block of vmalloc(). */
	kvfree(blocks->at[blocks->first++]);
	return 0;
}

static int run_kmalloc(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, kmalloc(size, GFP_KERNEL));
}

/*
 * The compiler knows the size and chooses the entry point, so each size is a
 * call of its own.
 */
static int run_kmalloc_const(struct worker *worker, size_t size)
{
	switch (size) {
	case 0:
		return blocks_push(&worker->own, kmalloc(0, GFP_KERNEL));
	case 97:
		return blocks_push(&worker->own, kmalloc(97, GFP_KERNEL));
	case 8192:
		return blocks_push(&worker->own, kmalloc(8192, GFP_KERNEL));
	case 8193:
		return blocks_push(&worker->own, kmalloc(8193, GFP_KERNEL));
	case 16384:
		return blocks_push(&worker->own, kmalloc(16384, GFP_KERNEL));
	default:
		return -EINVAL;
	}
}

static int run_kmalloc_node_const(struct worker *worker, size_t size)
{
	struct blocks *own = &worker->own;
	const int node = NUMA_NO_NODE;

	switch (size) {
	case 0:
		return blocks_push(own, kmalloc_node(0, GFP_KERNEL, node));
	case 97:
		return blocks_push(own, kmalloc_node(97, GFP_KERNEL, node));
	case 8192:
		return blocks_push(own, kmalloc_node(8192, GFP_KERNEL, node));
	case 8193:
		return blocks_push(own, kmalloc_node(8193, GFP_KERNEL, node));
	case 16384:
		return blocks_push(own, kmalloc_node(16384, GFP_KERNEL, node));
	default:
		return -EINVAL;
	}
}

static int run_kmalloc_fail(struct worker *worker, size_t size)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY;
	void *block = kmalloc(READ_ONCE(too_large), gfp);

	if (!block) /* as it should be, and a kfree(NULL) would count */
		return 0;
	kfree(block);
	return -EEXIST;
}

static int run_kzalloc(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, kzalloc(size, GFP_KERNEL));
}

static int run_kcalloc(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, kcalloc(size, 1, GFP_KERNEL));
}

static int run_kmalloc_array(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, kmalloc_array(size, 1, GFP_KERNEL));
}

static int run_kmalloc_node(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own,
			   kmalloc_node(size, GFP_KERNEL, NUMA_NO_NODE));
}

static int run_kzalloc_node(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own,
			   kzalloc_node(size, GFP_KERNEL, NUMA_NO_NODE));
}

static int run_kcalloc_node(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own,
			   kcalloc_node(size, 1, GFP_KERNEL, NUMA_NO_NODE));
}

static int run_kmalloc_track_caller(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own,
			   kmalloc_track_caller(size, GFP_KERNEL));
}

static int run_kmemdup(struct worker *worker, size_t size)
{
	if (size > TEXT_LENGTH)
		return -EINVAL;
	return blocks_push(&worker->own, kmemdup(text, size, GFP_KERNEL));
}

static int run_kstrdup(struct worker *worker, size_t size)
{
	if (!size || size > TEXT_LENGTH)
		return -EINVAL;
	return blocks_push(&worker->own,
			   kstrdup(text + TEXT_LENGTH - size, GFP_KERNEL));
}

static int run_krealloc_new(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, krealloc(NULL, size, GFP_KERNEL));
}

/* Two allocations and a free: four times the size never fits in place. */
static int run_krealloc_grow(struct worker *worker, size_t size)
{
	void *block = kmalloc(size, GFP_KERNEL);
	void *grown;

	if (!block)
		return -ENOMEM;
	grown = krealloc(block, 4 * size, GFP_KERNEL);
	return blocks_push(&worker->own, grown ?: block);
}

static int run_kvmalloc(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, kvmalloc(size, GFP_KERNEL));
}

static int run_kvzalloc(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own, kvzalloc(size, GFP_KERNEL));
}

static int run_kvmalloc_node(struct worker *worker, size_t size)
{
	return blocks_push(&worker->own,
			   kvmalloc_node(size, GFP_KERNEL, NUMA_NO_NODE));
}

static int run_kfree(struct worker *worker, size_t size)
{
	return free_first(&worker->own);
}

static int run_kfree_null(struct worker *worker, size_t size)
{
	kfree(NULL);
	return 0;
}

static int run_kfree_foreign(struct worker *worker, size_t size)
{
	return free_first(&worker->foreign);
}

const struct operation allocations[] = {
	{ "kmalloc", run_kmalloc },
	{ "kmalloc_const", run_kmalloc_const },
	{ "kmalloc_fail", run_kmalloc_fail },
	{ "kzalloc", run_kzalloc },
	{ "kcalloc", run_kcalloc },
	{ "kmalloc_array", run_kmalloc_array },
	{ "kmalloc_node", run_kmalloc_node },
	{ "kmalloc_node_const", run_kmalloc_node_const },
	{ "kzalloc_node", run_kzalloc_node },
	{ "kcalloc_node", run_kcalloc_node },
	{ "kmalloc_track_caller", run_kmalloc_track_caller },
	{ "kmemdup", run_kmemdup },
	{ "kstrdup", run_kstrdup },
	{ "krealloc_new", run_krealloc_new },
	{ "krealloc_grow", run_krealloc_grow },
	{ "kvmalloc", run_kvmalloc },
	{ "kvzalloc", run_kvzalloc },
	{ "kvmalloc_node", run_kvmalloc_node },
	{ "kfree", run_kfree },
	{ "kfree_null", run_kfree_null },
	{ "kfree_foreign", run_kfree_foreign },
	{},
};

/* What the worker is to free and has not allocated. */
int allocation_prepare(struct worker *worker, const struct step *step)
{
	void *block;
	int error;

	if (step->operation->run != run_kfree_foreign || !step->size)
		return 0;
	for (unsigned int i = 0; i < step->count; i++) {
		block = kmalloc(step->size, GFP_KERNEL);
		error = blocks_push(&worker->foreign, block);
		if (error)
			return error;
		worker->foreign_usable += ksize(block);
	}
	return 0;
}

int allocations_start(void)
{
	text = kmalloc(TEXT_LENGTH, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	memset(text, 'x', TEXT_LENGTH - 1);
	text[TEXT_LENGTH - 1] = '\0';
	return 0;
}

void allocations_stop(void)
{
	kfree(text);
}
