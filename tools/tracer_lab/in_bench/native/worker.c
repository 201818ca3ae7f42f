// SPDX-License-Identifier: GPL-2.0-only
/*
 * worker: the process whose calls are measured, with a partner at the other end
 * of two pipes. First it prints its PID and the partner's; then, for each line
 * of standard input, what that came to:
 *
 *	kernel WORK COUNT	nanoseconds of that work of tracer_bench, and of
 *them those for which others had the processor pipe COUNT
 *nanoseconds of so many round trips of a byte request NUMBER ARGUMENT
 *nanoseconds of an ioctl of /dev/tracer read FILE		nanoseconds of
 *reading a file to its end each LIST		nanoseconds of reading each file
 *that it names
 *
 * Anything that goes wrong ends it, with a line to standard error.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define LINE 256
#define BUFFER (128 * 1024) /* as that of cat */

static int to_partner;
static int from_partner;

static unsigned long long now(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t))
		err(1, "clock_gettime");
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void echo_until_end(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		if (write(out, &byte, 1) != 1)
			break;
	_exit(0);
}

static pid_t start_partner(void)
{
	int there[2], back[2];
	pid_t pid;

	if (pipe(there) || pipe(back))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(there[1]);
		close(back[0]);
		echo_until_end(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	to_partner = there[1];
	from_partner = back[0];
	return pid;
}

static unsigned long long do_pipe(unsigned long count)
{
	unsigned long long begun = now();
	char byte = 'x';

	while (count--)
		if (write(to_partner, &byte, 1) != 1 ||
		    read(from_partner, &byte, 1) != 1)
			err(1, "partner");
	return now() - begun;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void text_of(int fd, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	if (got <= 0)
		err(1, "reading what the kernel says");
	text[got] = '\0';
}

/* Nanoseconds for which this process could have run, but another one did. */
static unsigned long long delayed(void)
{
	static int fd = -1;
	unsigned long long delay;
	char text[LINE];

	if (fd < 0)
		fd = opened("/proc/self/schedstat", O_RDONLY);
	text_of(fd, text, sizeof(text));
	if (sscanf(text, "%*u %llu", &delay) != 1)
		errx(1, "/proc/self/schedstat: %s", text);
	return delay;
}

static void do_kernel(const char *command)
{
	static int fd = -1;
	unsigned long long delay;
	char text[LINE];

	if (fd < 0)
		fd = opened("/proc/tracer_bench", O_RDWR);
	delay = delayed();
	if (write(fd, command, strlen(command)) < 0)
		err(1, "/proc/tracer_bench: %s", command);
	delay = delayed() - delay;
	text_of(fd, text, sizeof(text));
	printf("%llu %llu\n", strtoull(text, NULL, 10), delay);
}

/* The node is opened anew each time, outside what is timed. */
static unsigned long long do_request(unsigned long number,
				     unsigned long argument)
{
	int fd = opened("/dev/tracer", O_RDWR);
	unsigned long long begun, ended;

	begun = now();
	if (ioctl(fd, number, argument))
		err(1, "request %lu of %lu", number, argument);
	ended = now();
	close(fd);
	return ended - begun;
}

static void read_file(const char *path)
{
	static char buffer[BUFFER];
	int fd = opened(path, O_RDONLY);
	ssize_t got;

	do
		got = read(fd, buffer, sizeof(buffer));
	while (got > 0);
	if (got < 0)
		err(1, "%s", path);
	close(fd);
}

static unsigned long long do_read(const char *path)
{
	unsigned long long begun = now();

	read_file(path);
	return now() - begun;
}

/* The list is in memory before the clock starts. */
static unsigned long long do_each(const char *list)
{
	static char names[1 << 20];
	unsigned long long begun;
	FILE *file = fopen(list, "r");
	size_t length;
	char *name;

	if (!file)
		err(1, "%s", list);
	length = fread(names, 1, sizeof(names) - 1, file);
	if (!feof(file))
		errx(1, "%s: more than a megabyte of names", list);
	fclose(file);
	names[length] = '\0';
	begun = now();
	for (name = strtok(names, "\n"); name; name = strtok(NULL, "\n"))
		read_file(name);
	return now() - begun;
}

static void do_line(char *line)
{
	unsigned long first, second;
	char name[LINE];

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "kernel ", 7))
		do_kernel(line + 7);
	else if (sscanf(line, "pipe %lu", &first) == 1)
		printf("%llu\n", do_pipe(first));
	else if (sscanf(line, "request %lu %lu", &first, &second) == 2)
		printf("%llu\n", do_request(first, second));
	else if (sscanf(line, "read %255s", name) == 1)
		printf("%llu\n", do_read(name));
	else if (sscanf(line, "each %255s", name) == 1)
		printf("%llu\n", do_each(name));
	else
		errx(2, "not understood: %s", line);
	fflush(stdout);
}

int main(void)
{
	pid_t partner = start_partner();
	char line[LINE];

	printf("%d %d\n", getpid(), partner);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		do_line(line);
	return 0;
}
