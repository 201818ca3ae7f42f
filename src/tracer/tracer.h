/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tracer - the interface between user programs and the kernel module.
 *
 * Open /dev/tracer, read-only or read-write, and call ioctl(2) with one of the
 * requests below. The argument is the PID itself, by value, as the caller's
 * PID namespace numbers it: ioctl(fd, TRACER_ADD_PROCESS, pid). It names a
 * process (thread group); 32-bit programs use the same numbers on a 64-bit
 * kernel. The counters are read from /proc/tracer.
 *
 * read(2) on the device gives one struct tracer_record for each process that
 * was added through this open file, or descends from one by ADD_TREE, and has
 * since ended by itself (not by REMOVE), or was removed by REMOVE_ALL. It gives
 * whole records only, as many as wait and fit; it waits for one unless the file
 * is O_NONBLOCK; it returns 0, end of file, once none waits and none of these
 * processes is left. poll(2) says POLLIN when one waits, and POLLHUP at end of
 * file. The file keeps up to TRACER_RECORDS_MAX; when more end before they are
 * read, the oldest are dropped and counted. Closing the file leaves the
 * processes monitored.
 *
 * Errors (errno):
 *   EINVAL  the PID is not positive, or belongs to a thread that is not the
 *           leader of its process
 *   ESRCH   no such process, or it has ended; for REMOVE also: not monitored;
 *           for HAS: not added through this open file
 *   EPERM   not the caller's to monitor: neither are its real, effective and
 *           saved user ids all the caller's real user id, nor has the caller
 *           CAP_SYS_PTRACE or CAP_PERFMON in its user namespace
 *   EEXIST  ADD: monitored already
 *   ENOSPC  ADD: module parameter max_processes is reached; its last sixteenth
 *           (one at least, where there are two) is for callers who have
 *           CAP_SYS_RESOURCE in the initial user namespace, and for the children
 *           of trees that these have added
 *   ENOMEM  ADD: out of memory, or the memory cgroup of who opened the file is
 *           at its limit
 *   EBUSY   ADD: the kernel's kprobes or function tracing are switched off
 *           (debugfs kprobes/enabled, sysctl kernel.ftrace_enabled)
 *   ENOTTY  any other request
 * Errors of read(2):
 *   EINVAL  the buffer is smaller than a record
 *   EAGAIN  the file is O_NONBLOCK and no record waits
 *   EINTR   a signal came before a record
 *   EFAULT  the buffer is not the caller's; no record is lost
 */
#ifndef _TRACER_H
#define _TRACER_H

#include <linux/ioctl.h>
#include <linux/types.h>
#ifndef __KERNEL__
#include <sys/types.h>
#endif

#define TRACER_DEV_NAME "tracer"
/* Misc device: the major number is 10. */
#define TRACER_DEV_MINOR 42

/* Monitor a process, from when the request returns to the process's end. */
#define TRACER_ADD_PROCESS _IOW(_IOC_WRITE, 42, pid_t)
/* Stop monitoring it; its counters are gone. */
#define TRACER_REMOVE_PROCESS _IOW(_IOC_WRITE, 43, pid_t)

/*
 * The same as ADD, and every process that descends from it from then on is
 * added when it is created, before its first instruction.
 */
#define TRACER_ADD_TREE _IOW(_IOC_WRITE, 44, pid_t)
/*
 * Stop monitoring every process that was added through this open file, or
 * descends from one by ADD_TREE. Each leaves a record with its counters up to
 * then, flagged TRACER_RECORD_RUNNING. No argument.
 */
#define TRACER_REMOVE_ALL _IO(_IOC_WRITE, 45)
/* Ask whether it is one of those that REMOVE_ALL would remove: 0 or ESRCH. */
#define TRACER_HAS_PROCESS _IOW(_IOC_WRITE, 46, pid_t)

/* Records that wait in one open file, at most. */
#define TRACER_RECORDS_MAX 4096

/* In the order of the columns of /proc/tracer. Calls; *_mem: bytes. */
struct tracer_counts {
	__u64 kmalloc;
	__u64 kfree;
	__u64 kmalloc_mem;
	__u64 kfree_mem;
	__u64 sched;
	__u64 up;
	__u64 down;
	__u64 lock;
	__u64 unlock;
};

/* TRACER_RECORD_TREE: added because it descends from a process of ADD_TREE. */
#define TRACER_RECORD_TREE 0x1
/*
 * TRACER_RECORD_WITHHELD: it had become another user's (by a set-user-ID
 * program, say), which who added it may not monitor; its counts are 0, and so
 * is its exit status.
 */
#define TRACER_RECORD_WITHHELD 0x2
/* TRACER_RECORD_RUNNING: it has not ended, but was removed by REMOVE_ALL. */
#define TRACER_RECORD_RUNNING 0x4

/* A process that has ended. The same for 32-bit and 64-bit programs. */
struct tracer_record {
	__u32 size; /* bytes of this record; later versions append fields */
	__u32 flags; /* TRACER_RECORD_*; others mean nothing yet */
	__s32 pid; /* in the reader's PID namespace, 0 if not in it */
	__s32 ppid; /* the same of its parent when it was added */
	__s32 exit_status; /* as of wait(2); 0 if it runs or is withheld */
	__u32 unfollowed; /* of trees, not followed since the record before */
	__u64 lost; /* records dropped since the record before */
	char comm[16]; /* its name then; ends with a NUL */
	__u64 added_ns; /* CLOCK_MONOTONIC, when it was added */
	__u64 ended_ns; /* and when its last thread ended, or it was removed */
	__u64 missed; /* samples missed meanwhile, of all monitored processes */
	struct tracer_counts counts;
};

#endif /* _TRACER_H */
