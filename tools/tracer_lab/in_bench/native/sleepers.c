// SPDX-License-Identifier: GPL-2.0-only
/*
 * sleepers COUNT: that many processes that sleep until standard input ends.
 *
 * Prints their PIDs, a line each, and then "ready".
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t sleeper(pid_t parent)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* Whatever ends this program ends them. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	pid_t *pids;
	int i;

	if (count < 1) {
		fputs("usage: sleepers COUNT\n", stderr);
		return 2;
	}
	pids = calloc(count, sizeof(*pids));
	for (i = 0; pids && i < count; i++) {
		pids[i] = sleeper(getpid());
		if (pids[i] < 0) {
			perror("fork");
			return 1;
		}
	}
	for (i = 0; pids && i < count; i++)
		printf("%d\n", pids[i]);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	for (i = 0; pids && i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		continue;
	return !pids;
}
