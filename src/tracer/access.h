/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRACER_ACCESS_H
#define TRACER_ACCESS_H

#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/types.h>

/*
 * Whether a process is somebody's to monitor: its real, effective and saved
 * user ids are all his real user id, or he has CAP_SYS_PTRACE or CAP_PERFMON
 * in its user namespace. Somebody is who opened @opener, or the running task
 * where @opener is NULL. In an RCU read-side section.
 */
bool tracer_may_monitor(const struct file *opener, struct task_struct *task);

#endif /* TRACER_ACCESS_H */
