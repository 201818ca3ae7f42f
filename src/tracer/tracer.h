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
 * Errors (errno):
 *   EINVAL  the PID is not positive, or belongs to a thread that is not the
 *           leader of its process
 *   ESRCH   no such process, or it has ended; for REMOVE also: not monitored
 *   EPERM   not the caller's to monitor: neither are its real, effective and
 *           saved user ids all the caller's real user id, nor has the caller
 *           CAP_SYS_PTRACE or CAP_PERFMON in its user namespace
 *   EEXIST  ADD: monitored already
 *   ENOSPC  ADD: module parameter max_processes is reached
 *   ENOMEM  ADD: out of memory
 *   EBUSY   ADD: the kernel's kprobes or function tracing are switched off
 *           (debugfs kprobes/enabled, sysctl kernel.ftrace_enabled)
 *   ENOTTY  any other request
 */
#ifndef _TRACER_H
#define _TRACER_H

#include <linux/ioctl.h>
#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <sys/types.h>
#endif

#define TRACER_DEV_NAME "tracer"
/* Misc device: the major number is 10. */
#define TRACER_DEV_MINOR 42

/* Monitor a process, from when the request returns to the process's end. */
#define TRACER_ADD_PROCESS _IOW(_IOC_WRITE, 42, pid_t)
/* Stop monitoring it; its counters are gone. */
#define TRACER_REMOVE_PROCESS _IOW(_IOC_WRITE, 43, pid_t)

#endif /* _TRACER_H */
