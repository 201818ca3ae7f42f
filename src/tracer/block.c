// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of requested sizes: its memory, and blocks that are not in their
 * own bucket. How it works is in block.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "block.h"

#define MIN_BLOCKS 32768u
#define MAX_BLOCKS (1u << 26)
#define BLOCKS_A_BUCKET 4 /* wanted; there is room for one more */
#define REACH 32 /* buckets, the own one among them */

static unsigned int tracked_blocks = 262144;
module_param(tracked_blocks, uint, 0444);
MODULE_PARM_DESC(
	tracked_blocks,
	"blocks whose requested size is remembered, at least; 16 bytes each, rounded up to a power of two (32768 to 67108864, default 262144)");

struct tracer_bucket *tracer_buckets;
u64 tracer_bucket_mask;

int tracer_blocks_create(void)
{
	unsigned long count;

	BUILD_BUG_ON(sizeof(struct tracer_bucket) > 64 && L1_CACHE_BYTES <= 64);
	BUILD_BUG_ON(MIN_BLOCKS / BLOCKS_A_BUCKET < REACH);
	if (tracked_blocks < MIN_BLOCKS || tracked_blocks > MAX_BLOCKS) {
		pr_err("tracked_blocks=%u is out of range: give %u to %u\n",
		       tracked_blocks, MIN_BLOCKS, MAX_BLOCKS);
		return -EINVAL;
	}
	count = roundup_pow_of_two(tracked_blocks / BLOCKS_A_BUCKET);
	tracer_buckets = kvcalloc(count, sizeof(*tracer_buckets), GFP_KERNEL);
	if (!tracer_buckets) {
		pr_err("no memory for tracked_blocks=%u: load with a smaller number\n",
		       tracked_blocks);
		return -ENOMEM;
	}
	tracer_bucket_mask = (count - 1) * sizeof(*tracer_buckets);
	return 0;
}

void tracer_blocks_destroy(void)
{
	kvfree(tracer_buckets);
}

void tracer_blocks_clear(void)
{
	memset(tracer_buckets, 0, tracer_bucket_mask + sizeof(*tracer_buckets));
}

unsigned long tracer_blocks_capacity(void)
{
	return (tracer_bucket_mask / sizeof(*tracer_buckets) + 1) *
	       TRACER_SLOTS;
}

static __always_inline struct tracer_bucket *beyond(struct tracer_bucket *own,
						    unsigned int distance)
{
	u64 offset = (void *)(own + distance) - (void *)tracer_buckets;

	return (void *)tracer_buckets + (offset & tracer_bucket_mask);
}

static __always_inline void add_passed(struct tracer_bucket *own,
				       unsigned int distance, int count)
{
	while (distance--)
		atomic_add(count, &beyond(own, distance)->passed);
}

/* Return: at which distance the block is, and its slot; 0: nowhere. */
static __always_inline unsigned int find_beyond(struct tracer_bucket *own,
						unsigned long key, int *slot)
{
	unsigned int distance;

	for (distance = 1; distance < REACH; distance++) {
		if (!atomic_read(&beyond(own, distance - 1)->passed))
			break;
		*slot = tracer_slot_of(beyond(own, distance)->blocks, key);
		if (*slot >= 0)
			return distance;
	}
	return 0;
}

notrace void tracer_block_insert_beyond(const void *block, u32 size)
{
	struct tracer_bucket *own = tracer_bucket_of(block);
	unsigned long key = (unsigned long)block;
	int slot;
	unsigned int distance = find_beyond(own, key, &slot);

	if (distance) {
		beyond(own, distance)->sizes[slot] = size;
		return;
	}
	for (; distance < REACH; distance++) {
		struct tracer_bucket *bucket = beyond(own, distance);

		slot = tracer_claim_slot(bucket->blocks, key);
		if (slot < 0)
			continue;
		bucket->sizes[slot] = size;
		add_passed(own, distance, 1);
		return;
	}
}
NOKPROBE_SYMBOL(tracer_block_insert_beyond);

notrace s64 tracer_block_take_beyond(const void *block)
{
	struct tracer_bucket *own = tracer_bucket_of(block);
	int slot;
	unsigned int distance = find_beyond(own, (unsigned long)block, &slot);

	if (!distance)
		return -1;
	add_passed(own, distance, -1);
	return tracer_take_slot(beyond(own, distance), slot);
}
NOKPROBE_SYMBOL(tracer_block_take_beyond);
