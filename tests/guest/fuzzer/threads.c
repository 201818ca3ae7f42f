// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second thread of a worker, and the signals that end whatever sleeps: a
 * timer's for the first thread, and from its handler another for the second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzzer.h"

#define TICK_US 20000

static sem_t begin, done;
static const struct call *volatile its_call; /* NULL: it waits for one */
static volatile pid_t its_tid;

static void await(sem_t *sem)
{
	while (sem_wait(sem) && errno == EINTR)
		continue;
}

static void *be_sibling(void *data)
{
	struct worker *worker = data;

	worker->sibling_tid = syscall(SYS_gettid);
	its_tid = worker->sibling_tid;
	cover_start(&worker->sibling.cover);
	sem_post(&done);
	for (;;) {
		await(&begin);
		perform(&worker->sibling, its_call);
		its_call = NULL;
		sem_post(&done);
	}
	return NULL;
}

void sibling_start(struct worker *worker)
{
	pthread_t thread;

	sem_init(&begin, 0, 0);
	sem_init(&done, 0, 0);
	if (pthread_create(&thread, NULL, be_sibling, worker)) {
		complain(&worker->self, "cannot start a thread");
		_exit(1);
	}
	await(&done);
}

void sibling_begin(const struct call *call)
{
	its_call = call;
	sem_post(&begin);
}

void sibling_await(void)
{
	await(&done);
}

static void on_tick(int number)
{
	int saved = errno;

	(void)number;
	if (its_call)
		syscall(SYS_tgkill, getpid(), its_tid, SIGUSR1);
	errno = saved;
}

static void on_signal(int number)
{
	(void)number;
}

void ticking_start(void)
{
	struct itimerval often = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction action = { .sa_handler = on_signal };

	/* Without SA_RESTART: the call ends with EINTR. */
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = on_tick;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}
