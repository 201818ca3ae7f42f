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

/* Whose a process is: its real, effective and saved user ids. */
struct tracer_owner {
	kuid_t uid;
	kuid_t euid;
	kuid_t suid;
};

/*
 * tracer_may_monitor() of the running task. @owner is whose the process is, by
 * the same look at its credentials: they may change at any time.
 */
bool tracer_may_request(struct task_struct *task, struct tracer_owner *owner);

/*
 * Who reads the records of processes: from his open file, because the ends of
 * processes are no place to ask a security module for a capability.
 */
struct tracer_reader {
	const struct cred *cred;
	bool capable; /* of monitoring everybody in his user namespace */
};

void tracer_reader_init(struct tracer_reader *reader, struct file *opener);
void tracer_reader_release(struct tracer_reader *reader);

/*
 * Whether the counts of a process that was @owner's when it was added may be
 * read: it still is, or the reader is capable. In an RCU read-side section.
 */
bool tracer_may_read(const struct tracer_reader *reader,
		     const struct tracer_owner *owner,
		     struct task_struct *task);

/*
 * Whether the running task may go beyond what is for everybody: it has
 * CAP_SYS_RESOURCE in the initial user namespace. May sleep.
 */
bool tracer_may_exceed(void);

#endif /* TRACER_ACCESS_H */
