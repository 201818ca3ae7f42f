// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the system calls that it reads from standard input, a line each,
 *
 *	NTH NUMBER ARGUMENT...
 *
 * and has the nth allocation of the call, or copy from or to the user, fail. An
 * argument is a decimal number, =TEXT for a string, or :SIZE for a buffer of so
 * many bytes. The answer is a line, too:
 *
 *	RESULT ERRNO LEFT [BYTES]
 *
 * LEFT is 0 if something was made to fail, else how far from it the call was.
 * BYTES are what the call wrote to its buffer, in hexadecimal digits. With 0
 * for NTH nothing fails. A child that the call makes does nothing until the end
 * of this program, which a call can also be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_ARGUMENTS 6

struct call {
	unsigned int nth;
	long number;
	long arguments[MOST_ARGUMENTS];
};

/* Static, and locked: no page of it is asked for within a call. */
static char line[4096];
static char buffer[1 << 16];
static int fail_nth;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* What is left over may hit this call itself: then it is gone. */
static void write_nth(unsigned int nth)
{
	char text[12];
	int size = snprintf(text, sizeof(text), "%u", nth), tries;

	for (tries = 0; tries < 3; tries++) {
		if (pwrite(fail_nth, text, size, 0) == size)
			return;
	}
	die("fail-nth");
}

/* As in write_nth(): the copy of the answer fails if 1 was left. */
static unsigned int read_left(void)
{
	char text[12] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		return 1;
	return strtoul(text, NULL, 10);
}

static long argument_of(const char *word)
{
	if (*word == '=')
		return (long)(word + 1);
	if (*word != ':')
		return strtol(word, NULL, 10);
	if (strtoul(word + 1, NULL, 10) > sizeof(buffer)) {
		fputs("fail_nth: no buffer is as large as that\n", stderr);
		exit(2);
	}
	return (long)buffer;
}

static struct call parse(char *text)
{
	struct call call = { 0 };
	char *rest = NULL, *word = strtok_r(text, " \n", &rest);
	int count = 0;

	if (word)
		call.nth = strtoul(word, NULL, 10);
	word = strtok_r(NULL, " \n", &rest);
	if (!word) {
		fputs("fail_nth: no call in this line\n", stderr);
		exit(2);
	}
	call.number = strtol(word, NULL, 10);
	while (count < MOST_ARGUMENTS &&
	       (word = strtok_r(NULL, " \n", &rest)) != NULL)
		call.arguments[count++] = argument_of(word);
	return call;
}

static void be_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void answer(const struct call *call, long result, int number,
		   unsigned int left)
{
	long i;

	printf("%ld %d %u", result, result < 0 ? number : 0, left);
	if (call->number == SYS_read && result > 0) {
		putchar(' ');
		for (i = 0; i < result; i++)
			printf("%02x", (unsigned char)buffer[i]);
	}
	putchar('\n');
	fflush(stdout);
}

static void make(const struct call *call)
{
	const long *a = call->arguments;
	unsigned int left = 0;
	pid_t me = getpid();
	long result;
	int number;

	if (call->nth)
		write_nth(call->nth);
	result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	number = errno;
	if (getpid() != me)
		be_child();
	if (call->nth) {
		left = read_left();
		write_nth(0);
	}
	answer(call, result, number, left);
}

int main(void)
{
	struct call call;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die("/proc/thread-self/fail-nth");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
	while (fgets(line, sizeof(line), stdin)) {
		call = parse(line);
		make(&call);
	}
	return 0;
}
