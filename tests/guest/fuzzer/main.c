// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzzer CALLS SEED WORKERS [SECONDS]
 *
 * Makes CALLS calls of /dev/tracer and /proc/tracer, in random programs that
 * SEED decides, by WORKERS processes at once. Every other one is root's, the
 * rest are of users of the node's group, without capabilities. Where the kernel
 * has KCOV and the module was compiled for it, programs that reach new code are
 * gone on with. It ends after SECONDS, if it has not made all calls until then.
 *
 * Writes what it did to standard output, as JSON, and to standard error what
 * cannot be. Exit status: 0 if nothing is amiss, 1, or 2 for wrong usage. Only
 * for root. Nothing is monitored when it ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tracer.h>

#include "fuzzer.h"

#define ROUNDS 1000

struct shared *shared;

void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Injected faults are no news: the kernel is not to tell of each. */
static void silence_faults(void)
{
	static const char *const files[] = {
		"/sys/kernel/debug/failslab/verbose",
		"/sys/kernel/debug/fail_page_alloc/verbose",
		"/sys/kernel/debug/fail_usercopy/verbose",
	};
	unsigned int i;
	int fd;

	for (i = 0; i < 3; i++) {
		fd = open(files[i], O_WRONLY);
		if (fd < 0)
			continue;
		if (write(fd, "0", 1) != 1)
			die(files[i]);
		close(fd);
	}
}

static pid_t keeper_start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void request(int fd, unsigned int number, pid_t pid)
{
	/* It may have ended just now. */
	if (ioctl(fd, number, (long)pid) && errno != ESRCH)
		die("ioctl");
}

/* Return: how many rows there were. */
static unsigned int remove_rows(int fd)
{
	FILE *table = fopen(TABLE_PATH, "re");
	unsigned int rows = 0;
	char line[512];

	if (!table)
		die(TABLE_PATH);
	while (fgets(line, sizeof(line), table)) {
		if (atoi(line) <= 0)
			continue;
		request(fd, TRACER_REMOVE_PROCESS, atoi(line));
		rows++;
	}
	fclose(table);
	return rows;
}

/* Trees grow meanwhile. */
static void remove_all_rows(int fd)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		if (!remove_rows(fd))
			return;
	}
	fputs("fuzzer: the table does not get empty\n", stderr);
	atomic_fetch_add(&shared->complaints, 1);
}

static void prepare(void)
{
	struct stat node;

	if (stat(NODE, &node))
		die(NODE);
	if (setgroups(1, &node.st_gid))
		die("setgroups");
	shared = map_memory(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	silence_faults();
}

static int open_node(void)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die(NODE);
	return fd;
}

/* Arming and disarming are among what is to be reached. */
static void add_covered(const struct cover *cover, pid_t pid)
{
	int fd = open_node();

	request(fd, TRACER_ADD_PROCESS, pid);
	close(fd);
	cover_collect(cover);
}

static void remove_covered(const struct cover *cover)
{
	int fd = open_node();

	cover_reset(cover);
	remove_all_rows(fd);
	close(fd);
	cover_collect(cover);
}

/* The keeper stays monitored, so that probes are armed and disarmed once. */
static void fuzz(const struct crew *crew)
{
	pid_t keeper = keeper_start();
	struct cover cover;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	cover_open(&cover);
	cover_start(&cover);
	add_covered(&cover, keeper);
	workers_start(crew);
	workers_watch(crew, &child);
	workers_end(crew);
	remove_covered(&cover);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
}

int main(int argc, char **argv)
{
	struct crew crew = { .seconds = LONG_MAX };

	if (argc == 4 || argc == 5) {
		crew.calls = strtoul(argv[1], NULL, 10);
		crew.seed = strtoull(argv[2], NULL, 10);
		crew.count = strtoul(argv[3], NULL, 10);
	}
	if (argc == 5)
		crew.seconds = strtoul(argv[4], NULL, 10);
	if (!crew.calls || !crew.count || crew.count > WORKERS_MAX ||
	    !crew.seconds) {
		fputs("usage: fuzzer CALLS SEED WORKERS [SECONDS]\n", stderr);
		return 2;
	}
	prepare();
	fuzz(&crew);
	report_print(&crew);
	return !!shared->complaints;
}
