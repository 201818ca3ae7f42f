// SPDX-License-Identifier: GPL-2.0-only
/* The table of requested sizes: its memory. How it works is in block.h. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "block.h"

#define MIN_BLOCKS 32768u
#define MAX_BLOCKS (1u << 26)

static unsigned int tracked_blocks = 262144;
module_param(tracked_blocks, uint, 0444);
MODULE_PARM_DESC(
	tracked_blocks,
	"blocks whose requested size is remembered, at least; five take 64 bytes, and their number is rounded up to five times a power of two (32768 to 67108864, default 262144)");

struct tracer_bucket *tracer_buckets;
u32 tracer_bucket_mask;

int tracer_blocks_create(void)
{
	unsigned long count;

	BUILD_BUG_ON(sizeof(struct tracer_bucket) > 64 && L1_CACHE_BYTES <= 64);
	if (tracked_blocks < MIN_BLOCKS || tracked_blocks > MAX_BLOCKS) {
		pr_err("tracked_blocks=%u is out of range: give %u to %u\n",
		       tracked_blocks, MIN_BLOCKS, MAX_BLOCKS);
		return -EINVAL;
	}
	count = roundup_pow_of_two(DIV_ROUND_UP(tracked_blocks, TRACER_SLOTS));
	tracer_buckets = kvcalloc(count, sizeof(*tracer_buckets), GFP_KERNEL);
	if (!tracer_buckets) {
		pr_err("no memory for tracked_blocks=%u: load with a smaller number\n",
		       tracked_blocks);
		return -ENOMEM;
	}
	tracer_bucket_mask = count - 1;
	return 0;
}

void tracer_blocks_destroy(void)
{
	kvfree(tracer_buckets);
}

void tracer_blocks_clear(void)
{
	memset(tracer_buckets, 0,
	       ((size_t)tracer_bucket_mask + 1) * sizeof(*tracer_buckets));
}

unsigned long tracer_blocks_capacity(void)
{
	return ((unsigned long)tracer_bucket_mask + 1) * TRACER_SLOTS;
}
