/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table from a block's address to the bytes that were requested for it,
 * without locks. Of fixed size; where a block finds no room, kfree_mem takes
 * ksize() for it.
 *
 * A bucket is one cache line: five addresses, and the sizes to them. Most
 * look-ups are of blocks that are not there, by everybody's kfree(): that is
 * one multiplication and six comparisons.
 *
 * What finds its bucket full goes to one of those after it, and each that it
 * passes counts it, so that only look-ups that start in such a one go on. With
 * four blocks a bucket, which is as many as tracked_blocks asks for, 81 of
 * 262,144 found no room (simulated; of 13 layouts of slabs the worst).
 *
 * Only the owner of a block touches its slot: the task whose kmalloc() is
 * returning it, or whoever is freeing it. So a slot found by its address is
 * changed by plain stores, and only claiming an empty slot, for which owners
 * of different blocks compete, needs cmpxchg(). A block freed in a way that is
 * not seen leaves its slot behind, until its address is allocated again by a
 * monitored process.
 */
#ifndef TRACER_BLOCK_H
#define TRACER_BLOCK_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/types.h>

#define TRACER_SLOTS 5

struct tracer_bucket {
	unsigned long blocks[TRACER_SLOTS]; /* 0: empty */
	u32 sizes[TRACER_SLOTS]; /* bytes */
	atomic_t passed; /* by blocks that are further on */
} ____cacheline_aligned;

extern struct tracer_bucket *tracer_buckets;
extern u64 tracer_bucket_mask; /* of offsets in bytes */

/*
 * Allocate and free the table.
 * Return: 0, -EINVAL (module parameter tracked_blocks out of range, said in
 * the kernel log) or -ENOMEM.
 */
int tracer_blocks_create(void);
void tracer_blocks_destroy(void);

/* Forget every block. Only while no probe is armed. */
void tracer_blocks_clear(void);

/* How many blocks the table can hold. */
unsigned long tracer_blocks_capacity(void);

static __always_inline struct tracer_bucket *tracer_bucket_of(const void *block)
{
	/* This multiplier is part of the instruction, unlike that of 64 bits. */
	u64 hash = (u64)(uintptr_t)block * GOLDEN_RATIO_32;
	/* Upper bits, and already a multiple of the size of a bucket. */
	u64 offset = hash >> (32 - ilog2(sizeof(struct tracer_bucket)));

	return (void *)tracer_buckets + (offset & tracer_bucket_mask);
}

/*
 * Where the block is in the bucket; -1: it is not, which is found out first,
 * with two instructions a slot. Others change their own slots meanwhile. (The
 * pointers here are not arrays, whose bounds CONFIG_UBSAN_BOUNDS would check.)
 */
static __always_inline int tracer_slot_of(const unsigned long *blocks,
					  unsigned long key)
{
	int i;

#pragma GCC unroll 5
	for (i = 0; i < TRACER_SLOTS; i++)
		/* Nobody else makes a slot this block's, or no longer so. */
		if (data_race(blocks[i] == key))
			goto found;
	return -1;
found:
	i = 0;
	/* As above. */
	while (data_race(blocks[i] != key))
		i++;
	return i;
}

/* Return: a slot that was empty and now is the block's, or -1. */
static __always_inline int tracer_claim_slot(unsigned long *blocks,
					     unsigned long key)
{
	int i;

#pragma GCC unroll 5
	for (i = 0; i < TRACER_SLOTS; i++)
		if (!READ_ONCE(blocks[i]) && !cmpxchg(&blocks[i], 0, key))
			return i;
	return -1;
}

static __always_inline u32 tracer_take_slot(struct tracer_bucket *bucket,
					    int slot)
{
	unsigned long *blocks = bucket->blocks;
	u32 *sizes = bucket->sizes;
	u32 size = READ_ONCE(sizes[slot]);

	/* The next to claim the slot writes its size after this. */
	smp_store_release(&blocks[slot], 0);
	return size;
}

/* Whether the block may be beyond its own bucket. */
static __always_inline bool
tracer_was_passed(const struct tracer_bucket *bucket)
{
	/* Only its own passing matters, of which its owner knows. */
	return unlikely(data_race(bucket->passed.counter != 0));
}

/*
 * Any context, no sleeping, no lock. The caller owns the block: it was just
 * allocated and nobody else knows it, or it is being freed.
 *
 * insert: remember that @size bytes, 1 to 2^32 - 1, were requested for @block;
 * overwrites.
 * take: find and forget. Return: the bytes requested, or -1 if the block is not
 * in its own bucket: look elsewhere. (No pointer to them: such a variable would
 * bring a stack canary. And no call in between: it would need registers saved
 * at each entry.)
 * forget: take, wherever it is.
 */
void tracer_block_insert_beyond(const void *block, u32 size);
s64 tracer_block_take_beyond(const void *block);

static __always_inline void tracer_block_insert(const void *block, size_t size)
{
	struct tracer_bucket *bucket = tracer_bucket_of(block);
	unsigned long key = (unsigned long)block;
	u32 *sizes = bucket->sizes;
	int slot = tracer_slot_of(bucket->blocks, key);

	if (slot < 0 && !tracer_was_passed(bucket))
		slot = tracer_claim_slot(bucket->blocks, key);
	if (likely(slot >= 0))
		WRITE_ONCE(sizes[slot], size);
	else
		tracer_block_insert_beyond(block, size);
}

static __always_inline s64 tracer_block_take(const void *block)
{
	struct tracer_bucket *bucket = tracer_bucket_of(block);
	int slot = tracer_slot_of(bucket->blocks, (unsigned long)block);

	if (slot < 0)
		return -1;
	return tracer_take_slot(bucket, slot);
}

static __always_inline void tracer_block_forget(const void *block)
{
	struct tracer_bucket *bucket = tracer_bucket_of(block);
	int slot = tracer_slot_of(bucket->blocks, (unsigned long)block);

	if (unlikely(slot >= 0))
		tracer_take_slot(bucket, slot);
	else if (tracer_was_passed(bucket))
		tracer_block_take_beyond(block);
}

#endif /* TRACER_BLOCK_H */
