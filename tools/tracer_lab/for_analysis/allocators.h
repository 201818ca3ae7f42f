/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clang's analyzer reads this before each file. It knows malloc() and free(),
 * but the kernel's allocators are macros around functions of another file. So
 * here they are functions that give memory, or none, and take it back.
 */
#ifndef ALLOCATORS_H
#define ALLOCATORS_H

#include <linux/percpu.h>
#include <linux/slab.h>

#define GIVES(kind) __attribute__((ownership_returns(kind)))
#define TAKES(kind) __attribute__((ownership_takes(kind, 1)))

bool analysis_fails(void);
void *analysis_memory(size_t size) GIVES(malloc);
void __percpu *analysis_percpu_memory(size_t size) GIVES(percpu);

static inline void *analysis_alloc(size_t size)
{
	return analysis_fails() ? NULL : analysis_memory(size);
}

static inline void __percpu *analysis_alloc_percpu(size_t size)
{
	return analysis_fails() ? NULL : analysis_percpu_memory(size);
}

extern typeof(kfree) kfree TAKES(malloc);
extern typeof(kvfree) kvfree TAKES(malloc);
extern typeof(free_percpu) free_percpu TAKES(percpu);

#undef kmalloc
#undef kmalloc_node
#undef kmalloc_array
#undef kzalloc
#undef kcalloc
#undef kvmalloc
#undef kvmalloc_array
#undef kvzalloc
#undef kvcalloc
#undef alloc_percpu
#undef alloc_percpu_gfp

#define kmalloc(size, flags) analysis_alloc(size)
#define kmalloc_node(size, flags, node) analysis_alloc(size)
#define kmalloc_array(n, size, flags) analysis_alloc((n) * (size))
#define kzalloc(size, flags) analysis_alloc(size)
#define kcalloc(n, size, flags) analysis_alloc((n) * (size))
#define kvmalloc(size, flags) analysis_alloc(size)
#define kvmalloc_array(n, size, flags) analysis_alloc((n) * (size))
#define kvzalloc(size, flags) analysis_alloc(size)
#define kvcalloc(n, size, flags) analysis_alloc((n) * (size))
#define alloc_percpu(type) \
	((typeof(type) __percpu *)analysis_alloc_percpu(sizeof(type)))
#define alloc_percpu_gfp(type, flags) alloc_percpu(type)

#endif /* ALLOCATORS_H */
