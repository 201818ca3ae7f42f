/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table from a block's address to the bytes that were requested for it.
 * Of fixed size; where a block finds no room, kfree_mem takes ksize() for it.
 */
#ifndef TRACER_BLOCK_H
#define TRACER_BLOCK_H

#include <linux/types.h>

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

/*
 * Any context, no sleeping, no lock. The caller owns the block: it was just
 * allocated and nobody else knows it, or it is being freed.
 *
 * insert: remember that @size bytes were requested for @block; overwrites.
 * take: find and forget. Return: false if the block is not in the table,
 * else true with the requested bytes in @size.
 */
void tracer_block_insert(const void *block, size_t size);
bool tracer_block_take(const void *block, size_t *size);

#endif /* TRACER_BLOCK_H */
