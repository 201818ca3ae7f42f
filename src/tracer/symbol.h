/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of symbols: which to probe for which function, and how. */
#ifndef TRACER_SYMBOL_H
#define TRACER_SYMBOL_H

#include <linux/kprobes.h>
#include <linux/types.h>

#include "process.h"

#define TRACER_MAX_SYMBOLS 40

/* A function of the interface; one or more symbols serve it. */
struct tracer_function {
	const char *name;
	kretprobe_handler_t entry;
	kretprobe_handler_t ret; /* NULL: the entry handler declines */
	size_t data_size; /* bytes kept from entry to return */
	enum tracer_counter counter; /* of calls */
	bool optional; /* may have no symbol at all */
};

/* A symbol that serves a function on some kernels. */
struct tracer_symbol {
	const struct tracer_function *function;
	const char *name;
	u8 size_arg; /* kmalloc: position of the size, from 0 */
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
