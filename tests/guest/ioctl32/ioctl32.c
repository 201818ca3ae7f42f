// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program without a C library: ioctl32 REQUEST PID [BYTES]
 *
 * The arguments are decimal. With BYTES it then reads that many from the
 * device, at most 4096, and writes what it gets to standard output. The exit
 * status is the errno of what failed first on /dev/tracer, 0 for none; 254
 * says that the device did not open, 253 that the arguments are wrong.
 *
 * No 32-bit library is needed to build it: see the Makefile.
 */

#define SYS_EXIT 1
#define SYS_READ 3
#define SYS_WRITE 4
#define SYS_OPEN 5
#define SYS_IOCTL 54
#define O_RDWR 2

static long system_call(long number, long one, long two, long three)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(number), "b"(one), "c"(two), "d"(three)
		     : "memory");
	return result;
}

static unsigned long number_from(const char *text)
{
	unsigned long number = 0;

	while (*text)
		number = number * 10 + (unsigned long)(*text++ - '0');
	return number;
}

static long copy_out(long fd, unsigned long size)
{
	static char buffer[4096];
	long got;

	got = system_call(SYS_READ, fd, (long)buffer, (long)size);
	if (got > 0)
		system_call(SYS_WRITE, 1, (long)buffer, got);
	return got < 0 ? got : 0;
}

static long request(long count, char **arguments)
{
	unsigned long size;
	long fd, result;

	size = count == 4 ? number_from(arguments[3]) : 0;
	if (count < 3 || count > 4 || size > 4096)
		return 253;
	fd = system_call(SYS_OPEN, (long)"/dev/tracer", O_RDWR, 0);
	if (fd < 0)
		return 254;
	result = system_call(SYS_IOCTL, fd, (long)number_from(arguments[1]),
			     (long)number_from(arguments[2]));
	if (!result && count == 4)
		result = copy_out(fd, size);
	return -result;
}

/* Called by start.S with the stack as the kernel leaves it: count, arguments. */
void start(long *stack);

void start(long *stack)
{
	system_call(SYS_EXIT, request(stack[0], (char **)(stack + 1)), 0, 0);
}
