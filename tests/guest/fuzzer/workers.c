// SPDX-License-Identifier: GPL-2.0-only
/* All workers: started, watched and ended. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzzer.h"

#define FIRST_USER 4100 /* of the workers that are not root's */
#define PATIENCE 300 /* seconds without a call */

static bool hangs;

void *map_memory(void *at, size_t size, int protection, int flags)
{
	void *made = mmap(at, size, protection, flags | MAP_ANONYMOUS, -1, 0);

	if (made == MAP_FAILED)
		die("mmap");
	return made;
}

static void prepare_actor(struct actor *actor, struct worker *worker)
{
	actor->worker = worker;
	actor->fail_nth = -1;
	actor->memory = map_memory(NULL, MEMORY_ALL, PROT_NONE, MAP_PRIVATE);
	map_memory(actor->memory, MEMORY_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_FIXED);
	map_memory(actor->memory + MEMORY_SIZE + PAGE, PAGE, PROT_READ,
		   MAP_PRIVATE | MAP_FIXED);
	cover_open(&actor->cover);
}

/* A member of the group that the node belongs to, without capabilities. */
static void become_member(unsigned int number)
{
	uid_t user = FIRST_USER + number;

	if (setresgid(MEMBER, MEMBER, MEMBER) || setresuid(user, user, user))
		die("setresuid");
}

static void be_worker(unsigned int number, unsigned long calls, uint64_t seed)
{
	struct worker worker = { .number = number, .seed = seed };
	unsigned int i;

	worker.is_root = number % 2 == 0;
	worker.calls = calls;
	worker.chance.state = seed * WORKERS_MAX + number;
	for (i = 0; i < NR_SLOTS; i++)
		worker.slots[i].fd = -1;
	setpgid(0, 0);
	prepare_actor(&worker.self, &worker);
	prepare_actor(&worker.sibling, &worker);
	prepare_actor(&worker.child, &worker);
	if (worker.is_root)
		worker.self.fail_nth =
			open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	sibling_start(&worker);
	if (!worker.is_root)
		become_member(number);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	worker_run(&worker);
	_exit(0);
}

static void say_hung(const struct crew *crew)
{
	unsigned int i;

	atomic_fetch_add(&shared->complaints, 1);
	for (i = 0; i < crew->count; i++)
		fprintf(stderr,
			"fuzzer: worker %u hangs in %s, program %lu, seed %llu\n",
			i, kinds[shared->at[i].kind].name,
			(unsigned long)shared->at[i].program,
			(unsigned long long)crew->seed);
}

static void judge_end(int status)
{
	if (!status)
		return;
	atomic_fetch_add(&shared->complaints, 1);
	fprintf(stderr, "fuzzer: a worker ends with status %#x\n", status);
}

static bool is_worker(const struct crew *crew, pid_t pid)
{
	unsigned int i = 0;

	while (i < crew->count && shared->pids[i] != (unsigned int)pid)
		i++;
	return i < crew->count;
}

/* Return: how many have ended; orphans of theirs come here, too. */
static unsigned int reap_workers(const struct crew *crew)
{
	unsigned int ended = 0;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!is_worker(crew, pid))
			continue;
		judge_end(status);
		ended++;
	}
	return ended;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

void workers_watch(const struct crew *crew, const sigset_t *child)
{
	time_t start = now(), last = start; /* when a call was made */
	struct timespec second = { 1, 0 };
	unsigned long before = 0, calls;
	unsigned int left = crew->count;

	while (left && now() - last < PATIENCE) {
		sigtimedwait(child, NULL, &second);
		left -= reap_workers(crew);
		calls = calls_made(crew);
		if (calls != before)
			last = now();
		before = calls;
		if ((unsigned long)(now() - start) >= crew->seconds)
			shared->stop = true;
	}
	hangs = left;
	if (hangs)
		say_hung(crew);
}

/* The first makes what does not divide. */
void workers_start(const struct crew *crew)
{
	unsigned long each = crew->calls / crew->count;
	unsigned long first = crew->calls - each * (crew->count - 1);
	unsigned int i;
	pid_t pid;

	for (i = 0; i < crew->count; i++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			be_worker(i, i ? each : first, crew->seed);
		shared->pids[i] = pid;
	}
}

/* With all that they have started, which has come to be ours. */
void workers_end(const struct crew *crew)
{
	unsigned int i;
	pid_t group;

	for (i = 0; i < crew->count; i++) {
		group = shared->pids[i];
		kill(-group, SIGKILL);
		/* What hangs in the kernel is not waited for. */
		while (!hangs && waitpid(-group, NULL, 0) > 0)
			continue;
	}
}
