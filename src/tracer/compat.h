/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernels, and the only place with a kernel version.
 * The module is written for the newest kernel; older ones are taught the new
 * name. (Which symbols serve kmalloc is data: see symbol.c.)
 */
#ifndef TRACER_COMPAT_H
#define TRACER_COMPAT_H

#include <linux/kprobes.h>
#include <linux/sched/mm.h>
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

#endif /* TRACER_COMPAT_H */
