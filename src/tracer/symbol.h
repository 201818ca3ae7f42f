/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of symbols: which to probe for which function, and how. */
#ifndef TRACER_SYMBOL_H
#define TRACER_SYMBOL_H

#include <linux/types.h>

#include "process.h"

#define TRACER_MAX_SYMBOLS 40

/* What a call of a function means. */
enum tracer_meaning {
	TRACER_IS_CALL, /* one more call, nothing else */
	TRACER_IS_KMALLOC,
	TRACER_IS_KFREE,
	TRACER_IS_KFREE_RCU, /* a block that never reaches kfree() */
};

/* A function of the interface; one or more symbols serve it. */
struct tracer_function {
	const char *name;
	enum tracer_meaning meaning;
	enum tracer_counter counter; /* of calls */
	bool optional; /* may have no symbol at all */
};

/* A symbol that serves a function on some kernels. */
struct tracer_symbol {
	const struct tracer_function *function;
	const char *name;
	u8 size_arg; /* kmalloc: position of the size, from 0: 0, 2 or 3 */
	/* Requests above KMALLOC_MAX_CACHE_SIZE pass through this one too. */
	const char *large;
	/* Serves only where the kernel also has this one, a row above. */
	const char *needs;
	/*
	 * It is kvmalloc(): may return memory that is not kmalloc's, and serves
	 * only where a trial shows that it does not call a row above.
	 */
	bool kvmalloc;
};

/* Ends with NULL. */
extern const struct tracer_function *const tracer_functions[];

/* Filled from the front; a row without a function ends it. */
extern const struct tracer_symbol tracer_symbols[TRACER_MAX_SYMBOLS];

#endif /* TRACER_SYMBOL_H */
