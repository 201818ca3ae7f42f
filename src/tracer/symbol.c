// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of the interface and the symbols that serve them, as data. A
 * new kernel's symbol is a row here.
 */
#include "symbol.h"

static const struct tracer_function function_kmalloc = {
	.name = "kmalloc",
	.meaning = TRACER_IS_KMALLOC,
	.counter = TRACER_KMALLOC,
};

static const struct tracer_function function_kfree = {
	.name = "kfree",
	.meaning = TRACER_IS_KFREE,
	.counter = TRACER_KFREE,
};

static const struct tracer_function function_schedule = {
	.name = "schedule",
	.counter = TRACER_SCHED,
};

static const struct tracer_function function_up = {
	.name = "up",
	.counter = TRACER_UP,
};

static const struct tracer_function function_down = {
	.name = "down_interruptible",
	.counter = TRACER_DOWN,
};

static const struct tracer_function function_lock = {
	.name = "mutex_lock",
	.counter = TRACER_LOCK,
};

static const struct tracer_function function_unlock = {
	.name = "mutex_unlock",
	.counter = TRACER_UNLOCK,
};

/* Counts nothing: it tells block.c of blocks that never reach kfree(). */
static const struct tracer_function function_kfree_rcu = {
	.name = "kfree_rcu",
	.meaning = TRACER_IS_KFREE_RCU,
	.optional = true,
};

const struct tracer_function *const tracer_functions[] = {
	&function_kmalloc, &function_kfree,	&function_schedule,
	&function_up,	   &function_down,	&function_lock,
	&function_unlock,  &function_kfree_rcu, NULL,
};

#define KMALLOC(symbol, arg) \
	.function = &function_kmalloc, .name = symbol, .size_arg = arg

/*
 * Every symbol that serves a function on some kernel; those that the running
 * kernel has are probed. The kmalloc rows name entry points only, never a
 * helper that one of them calls.
 */
const struct tracer_symbol tracer_symbols[TRACER_MAX_SYMBOLS] = {
	/* 5.10 and 6.1 */
	{ KMALLOC("__kmalloc", 0), .large = "kmalloc_order_trace" },
	{ KMALLOC("__kmalloc_node", 0) },
	{ KMALLOC("__kmalloc_node_track_caller", 0) },
	/* 5.10 */
	{ KMALLOC("__kmalloc_track_caller", 0),
	  .large = "kmalloc_order_trace" },
	{ KMALLOC("kmem_cache_alloc_trace", 2) },
	{ KMALLOC("kmem_cache_alloc_node_trace", 3) },
	{ KMALLOC("kmalloc_order_trace", 0) },
	/* 6.1 */
	{ KMALLOC("kmalloc_trace", 2) },
	{ KMALLOC("kmalloc_node_trace", 3) },
	{ KMALLOC("kmalloc_large", 0) },
	/* On 5.10 a helper of __kmalloc_node() has this name. */
	{ KMALLOC("kmalloc_large_node", 0), .needs = "kmalloc_large" },
	/* 6.10 alone; what it has in common with 6.11 follows */
	{ KMALLOC("kmalloc_node_track_caller_noprof", 0) },
	{ KMALLOC("kmalloc_trace_noprof", 2) },
	{ KMALLOC("kmalloc_node_trace_noprof", 3) },
	{ KMALLOC("kmalloc_large_noprof", 0) },
	{ KMALLOC("kmalloc_large_node_noprof", 0) },
	/* 6.11 and newer */
	{ KMALLOC("__kmalloc_noprof", 0), .large = "__kmalloc_large_noprof" },
	{ KMALLOC("__kmalloc_node_noprof", 0),
	  .large = "__kmalloc_large_node_noprof" },
	{ KMALLOC("__kmalloc_node_track_caller_noprof", 0),
	  .large = "__kmalloc_large_node_noprof" },
	{ KMALLOC("__kmalloc_cache_noprof", 2) },
	{ KMALLOC("__kmalloc_cache_node_noprof", 3) },
	{ KMALLOC("__kmalloc_large_noprof", 0) },
	{ KMALLOC("__kmalloc_large_node_noprof", 0) },
	/* 7.2 and newer */
	{ KMALLOC("__kmalloc_flags_noprof", 0),
	  .large = "__kmalloc_large_node_noprof" },
	/*
	 * 6.15 and newer; before it calls a symbol above. "slab: Achieve
	 * better kmalloc caches randomization in kvmalloc" changed that, which
	 * any distribution may have taken into an older kernel.
	 */
	{ KMALLOC("__kvmalloc_node_noprof", 0),
	  .large = "__kmalloc_large_node_noprof", .kvmalloc = true },

	{ .function = &function_kfree, .name = "kfree" },
	{ .function = &function_schedule, .name = "schedule" },
	{ .function = &function_up, .name = "up" },
	{ .function = &function_down, .name = "down_interruptible" },
	/* With CONFIG_DEBUG_LOCK_ALLOC mutex_lock() is a macro for the second. */
	{ .function = &function_lock, .name = "mutex_lock" },
	{ .function = &function_lock, .name = "mutex_lock_nested" },
	{ .function = &function_unlock, .name = "mutex_unlock" },
	/* 5.10 with PREEMPT_RT */
	{ .function = &function_lock, .name = "_mutex_lock" },
	{ .function = &function_unlock, .name = "_mutex_unlock" },
	{ .function = &function_kfree_rcu, .name = "kvfree_call_rcu" },
};
