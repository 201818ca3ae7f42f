// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes of a worker: those that wait to be killed, which it monitors, and
 * one that makes a single call with the files that it has inherited.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzzer.h"

static pid_t kid_of(const struct worker *worker, uint32_t arg)
{
	return worker->kids[arg % NR_KIDS];
}

/*
 * Somebody's PID, or what is none. *argument: the same as an argument of
 * ioctl(2), whose upper half is noise.
 */
pid_t pid_of(const struct actor *me, const uint32_t *arg, long *argument)
{
	const struct worker *worker = me->worker;
	pid_t pid;

	switch (arg[0] % 20) {
	case 0:
		pid = 0;
		break;
	case 1:
		pid = -1;
		break;
	case 2:
		pid = INT_MIN;
		break;
	case 3:
		pid = arg[1] % 2 ? INT_MAX : 1 << 22;
		break;
	case 4:
		pid = 1 + arg[1] % 2; /* init, a thread of the kernel */
		break;
	case 5:
		pid = arg[1];
		break;
	case 6:
		pid = worker->sibling_tid;
		break;
	case 7:
		pid = worker->dead;
		break;
	case 8:
		pid = getppid();
		break;
	case 9:
	case 10:
		pid = shared->pids[arg[1] % WORKERS_MAX];
		break;
	case 11:
	case 12:
	case 13:
		pid = getpid();
		break;
	default:
		pid = kid_of(worker, arg[1]);
	}
	*argument = arg[0] & 0x10000 ? (long)(uint32_t)pid : pid;
	if (arg[0] & 0x20000)
		*argument = (long)((uint64_t)arg[1] << 32 | (uint32_t)pid);
	return pid;
}

static void become_alice(int signal)
{
	(void)signal;
	syscall(SYS_setresuid, ALICE, ALICE, ALICE);
}

static void wait_to_be_killed(pid_t parent)
{
	signal(SIGUSR2, become_alice);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

/* A child that waits, or that ends at once and stays a zombie for a while. */
long act_spawn(struct actor *me, const uint32_t *arg)
{
	pid_t *kid = &me->worker->kids[arg[0] % NR_KIDS], parent = getpid();

	if (*kid)
		return 0;
	*kid = fork();
	if (*kid < 0) {
		*kid = 0;
		return -errno;
	}
	if (!*kid && arg[1] % 4 == 0)
		_exit(arg[1] >> 8 & 0xff);
	if (!*kid)
		wait_to_be_killed(parent);
	return 0;
}

/* Kill a child; the next time it is reaped. */
long act_end(struct actor *me, const uint32_t *arg)
{
	pid_t *kid = &me->worker->kids[arg[0] % NR_KIDS];

	if (!*kid)
		return 0;
	if (kill(*kid, arg[1] % 2 ? SIGKILL : SIGTERM))
		return -errno;
	if (arg[1] % 8 == 0)
		return 0; /* a zombie */
	while (waitpid(*kid, NULL, 0) < 0 && errno == EINTR)
		continue;
	me->worker->dead = *kid;
	*kid = 0;
	return 0;
}

/* A child of root goes over to another user. */
long act_become(struct actor *me, const uint32_t *arg)
{
	pid_t kid = kid_of(me->worker, arg[0]);

	if (!kid || !me->worker->is_root)
		return 0;
	return kill(kid, SIGUSR2) ? -errno : 0;
}

/* Any sixteen bytes are a name. */
long act_name(struct actor *me, const uint32_t *arg)
{
	(void)me;
	return prctl(PR_SET_NAME, arg) ? -errno : 0;
}

static int be_child(struct worker *worker, const struct call *call)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ticking_start();
	cover_start(&worker->child.cover);
	perform(&worker->child, call);
	return 0;
}

/* A child makes that call and ends, now and then in a PID namespace of its own.
 */
void child_perform(struct worker *worker, const struct call *call, uint32_t arg)
{
	long flags = SIGCHLD;

	if (worker->is_root && arg % 4 == 0)
		flags |= CLONE_NEWPID;
	child_await(worker);
	worker->child_pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (!worker->child_pid)
		_exit(be_child(worker, call));
}

void child_await(struct worker *worker)
{
	while (worker->child_pid > 0 &&
	       waitpid(worker->child_pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (worker->child_pid > 0)
		worker->dead = worker->child_pid;
	worker->child_pid = 0;
}
