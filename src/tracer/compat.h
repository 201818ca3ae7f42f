/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernels, and the only place with a kernel version.
 * The module is written for the newest kernel; older ones are taught the new
 * name. (Which symbols serve kmalloc is data: see symbol.c.)
 */
#ifndef TRACER_COMPAT_H
#define TRACER_COMPAT_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/sched/mm.h>
#include <linux/string_helpers.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
/*
 * 5.14, commit d741bf41d7c7 ("kprobes: Remove kretprobe hash"): an instance
 * no longer points to its kretprobe, get_kretprobe() finds it.
 */
static inline struct kretprobe *get_kretprobe(struct kretprobe_instance *ri)
{
	return ri->rp;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
/*
 * 5.18, commit ea4692c75e1c ("lib/string_helpers: Consolidate string helpers
 * implementation").
 */
static inline const char *str_yes_no(bool v)
{
	if (v)
		return "yes";
	return "no";
}
#endif

/*
 * 6.16, "exit: move and extend sched_process_exit() tracepoint": the handler
 * gets a third argument.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define TRACER_EXIT_PROTO void *data, struct task_struct *task
#else
#define TRACER_EXIT_PROTO void *data, struct task_struct *task, bool group_dead
#endif

/*
 * Who pays for accounted allocations of this task from here on. Return: who
 * did until now. set_active_memcg() of 5.10 needs a symbol that is exported
 * from 5.11 on, commit c74d40e8b5e2 ("mm: export int_active_memcg").
 */
static inline struct mem_cgroup *tracer_charge_to(struct mem_cgroup *memcg)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0) && defined(CONFIG_MEMCG)
	struct mem_cgroup *outer = current->active_memcg;

	current->active_memcg = memcg;
	return outer;
#else
	return set_active_memcg(memcg);
#endif
}

/*
 * The registers that ftrace hands on. 5.11, commits d19ad0775dcd ("ftrace: Have
 * the callbacks receive a struct ftrace_regs instead of pt_regs") and
 * 02a474ca266a ("ftrace/x86: Allow for arguments to be passed in to ftrace_regs
 * by default"); 6.2, commit 94d095ffa0e1 ("ftrace: abstract
 * DYNAMIC_FTRACE_WITH_ARGS accesses").
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define tracer_registers pt_regs
#define tracer_register_argument(regs, n) \
	regs_get_kernel_argument((struct pt_regs *)(regs), n)
/* The flag of before 5.11 says that no protection from recursion is needed. */
#define TRACER_FTRACE_FLAGS \
	(FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION_SAFE)
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define tracer_registers ftrace_regs
#define tracer_register_argument(fregs, n) \
	regs_get_kernel_argument((struct pt_regs *)&(fregs)->regs, n)
#define TRACER_FTRACE_FLAGS 0
#else
#define tracer_registers ftrace_regs
#define tracer_register_argument(fregs, n) ftrace_regs_get_argument(fregs, n)
#define TRACER_FTRACE_FLAGS 0
#endif

/*
 * Make these addresses, and no others, those that an ops is called from.
 * 5.18, commit 4f554e955614 ("ftrace: Add ftrace_set_filter_ips function"):
 * in one go. Return: 0, or the negative errno of ftrace; then it may have got
 * some of them.
 */
static inline int tracer_filter_heads(struct ftrace_ops *ops,
				      unsigned long *heads, unsigned int count)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < count; i++)
		err = ftrace_set_filter_ip(ops, heads[i], 0, i == 0);
	return err;
#else
	return ftrace_set_filter_ips(ops, heads, count, 0, 1);
#endif
}

/*
 * Give the memory of a filter back; the ops is not registered. 6.2, and before
 * that 6.1.9, commit 8be9fbd5345d ("ftrace: Export ftrace_free_filter() to
 * modules"). Else the last address, @left, is taken out, and that takes memory.
 */
static inline void tracer_free_filter(struct ftrace_ops *ops,
				      unsigned long left)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 9)
	ftrace_set_filter_ip(ops, left, 0, 1);
	ftrace_set_filter_ip(ops, left, 1, 0);
#else
	ftrace_free_filter(ops);
#endif
}

/*
 * 7.0, commit 3269701cb256 ("compiler-context-analysis: Add infrastructure for
 * Context Analysis with Clang"): who takes a lock that others may take at the
 * same time says so. Before that sparse did not tell the two apart.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define __acquires_shared(lock) __acquires(lock)
#define __releases_shared(lock) __releases(lock)
#endif

/*
 * The tracepoints of kmalloc. 6.1, commit 11e9734bcb6a ("mm/slab_common: unify
 * NUMA and UMA version of tracepoints"): one instead of two.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#define TRACER_KMALLOC_EVENT_PROTO                            \
	void *data, unsigned long call_site, const void *ptr, \
		size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags
#define TRACER_KMALLOC_NODE_EVENT_PROTO TRACER_KMALLOC_EVENT_PROTO, int node
#else
#define TRACER_KMALLOC_EVENT_PROTO                                     \
	void *data, unsigned long call_site, const void *ptr,          \
		size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags, \
		int node
#endif

#endif /* TRACER_COMPAT_H */
