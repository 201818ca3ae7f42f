// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address of a block -> bytes requested for it, without locks.
 *
 * A bucket is one cache line of eight 64-bit slots. A slot is 0 (empty) or
 *
 *	tag << size_bits | size		(size is never 0)
 *
 * The address, without its three low bits (slab objects are aligned to eight
 * bytes) and its high byte (all ones, or a KASAN tag), has KEY_BITS bits.
 * Multiplying by an odd number permutes them; the upper bits of the product
 * choose the bucket and the rest is the tag, so bucket and tag together are
 * the address and no two addresses are ever confused.
 *
 * Only the owner of a block touches its slot: the task whose kmalloc() is
 * returning it, or whoever is freeing it. So a slot found by its tag is
 * overwritten and cleared by a plain store, and only claiming an empty slot,
 * for which owners of different blocks compete, needs cmpxchg(). A block
 * freed in a way that is not seen leaves its slot behind, until its address
 * is allocated again by a monitored process.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/kprobes.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "block.h"

#define KEY_SHIFT 3
#define KEY_BITS (56 - KEY_SHIFT)
#define SLOTS 8
/* 2^64 divided by the golden ratio, the multiplier of <linux/hash.h>. */
#define MULTIPLIER 0x61c8864680b583ebull

/* With 4,096 buckets a slot has 23 bits for the size: blocks below 8 MiB. */
#define MIN_BLOCKS (4096u * SLOTS)
#define MAX_BLOCKS (1u << 26)

static unsigned int tracked_blocks = 262144;
module_param(tracked_blocks, uint, 0444);
MODULE_PARM_DESC(
	tracked_blocks,
	"blocks whose requested size is remembered, rounded up to a power of two, 8 bytes each (32768 to 67108864, default 262144)");

struct bucket {
	u64 slots[SLOTS];
} ____cacheline_aligned;

static struct bucket *buckets;
static unsigned int tag_bits;
static unsigned int size_bits;

int tracer_blocks_create(void)
{
	unsigned int bucket_bits;

	if (tracked_blocks < MIN_BLOCKS || tracked_blocks > MAX_BLOCKS) {
		pr_err("tracked_blocks=%u is out of range: give %u to %u\n",
		       tracked_blocks, MIN_BLOCKS, MAX_BLOCKS);
		return -EINVAL;
	}
	tracked_blocks = roundup_pow_of_two(tracked_blocks);
	bucket_bits = ilog2(tracked_blocks / SLOTS);
	tag_bits = KEY_BITS - bucket_bits;
	size_bits = 64 - tag_bits;
	buckets =
		kvcalloc(tracked_blocks / SLOTS, sizeof(*buckets), GFP_KERNEL);
	if (!buckets) {
		pr_err("no memory for tracked_blocks=%u: load with a smaller number\n",
		       tracked_blocks);
		return -ENOMEM;
	}
	return 0;
}

void tracer_blocks_destroy(void)
{
	kvfree(buckets);
}

void tracer_blocks_clear(void)
{
	memset(buckets, 0, tracked_blocks / SLOTS * sizeof(*buckets));
}

unsigned long tracer_blocks_capacity(void)
{
	return tracked_blocks;
}

static __always_inline u64 block_hash(const void *block)
{
	u64 key = (u64)(uintptr_t)block >> KEY_SHIFT;

	return (key * MULTIPLIER) & GENMASK_ULL(KEY_BITS - 1, 0);
}

static __always_inline u64 *block_slots(u64 hash)
{
	return buckets[hash >> tag_bits].slots;
}

/* The tag where it stands in a slot; the size below it is zero. */
static __always_inline u64 block_tag(u64 hash)
{
	return hash << size_bits;
}

static __always_inline bool slot_is(u64 slot, u64 tag)
{
	return slot && slot >> size_bits == tag >> size_bits;
}

/* Return: the slot with @tag, else an empty one, else NULL. */
static __always_inline u64 *slot_for(u64 *slots, u64 tag)
{
	u64 *empty = NULL;
	int i;

	for (i = 0; i < SLOTS; i++) {
		u64 slot = READ_ONCE(slots[i]);

		if (slot_is(slot, tag))
			return &slots[i];
		if (!slot && !empty)
			empty = &slots[i];
	}
	return empty;
}

void tracer_block_insert(const void *block, size_t size)
{
	u64 hash = block_hash(block);
	u64 tag = block_tag(hash);
	u64 *slot;
	u64 old;

	/* A size that does not fit must not leave an older one in place. */
	if (!size || size >> size_bits) {
		tracer_block_take(block, &size);
		return;
	}
	do {
		slot = slot_for(block_slots(hash), tag);
		if (!slot)
			return;
		old = READ_ONCE(*slot);
		if (slot_is(old, tag)) {
			WRITE_ONCE(*slot, tag | size);
			return;
		}
	} while (old || cmpxchg64(slot, 0, tag | size) != 0);
}
NOKPROBE_SYMBOL(tracer_block_insert);

bool tracer_block_take(const void *block, size_t *size)
{
	u64 hash = block_hash(block);
	u64 tag = block_tag(hash);
	u64 *slots = block_slots(hash);
	int i;

	for (i = 0; i < SLOTS; i++) {
		u64 slot = READ_ONCE(slots[i]);

		if (slot_is(slot, tag)) {
			*size = slot & GENMASK_ULL(size_bits - 1, 0);
			WRITE_ONCE(slots[i], 0);
			return true;
		}
	}
	return false;
}
NOKPROBE_SYMBOL(tracer_block_take);
