/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens when a probed function is called: see symbol.c for which. */
#ifndef TRACER_HANDLER_H
#define TRACER_HANDLER_H

#include <linux/kprobes.h>
#include <linux/types.h>

/* From the entry of kmalloc to its return. */
struct tracer_kmalloc_call {
	u64 process_id;
	size_t size; /* bytes requested */
};

/* Entry handlers. Return: 0 to see the return too, 1 to decline it. */
int tracer_handle_call(struct kretprobe_instance *ri, struct pt_regs *regs);
int tracer_handle_kmalloc(struct kretprobe_instance *ri, struct pt_regs *regs);
int tracer_handle_kfree(struct kretprobe_instance *ri, struct pt_regs *regs);
int tracer_handle_kfree_rcu(struct kretprobe_instance *ri,
			    struct pt_regs *regs);

/*
 * Handler of the kfree tracepoint: makes block.c forget what anybody frees.
 * Unlike the probe it is not switched off within the handlers of probes, so
 * it also sees the frees of an interrupt there.
 */
void tracer_handle_kfree_event(void *data, unsigned long call_site,
			       const void *block);

/* Return handler. */
int tracer_handle_kmalloc_return(struct kretprobe_instance *ri,
				 struct pt_regs *regs);

/* Frees since load whose bytes are those of ksize(). */
unsigned long tracer_unknown_blocks(void);

#endif /* TRACER_HANDLER_H */
