// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program without a C library: ioctl32 REQUEST PID
 *
 * Both arguments are decimal. The exit status is the errno of the request on
 * /dev/tracer, 0 for none; 254 says that the device did not open, 253 that the
 * arguments are wrong.
 *
 * No 32-bit library is needed to build it: see the Makefile.
 */

#define SYS_EXIT 1
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

static long request(long count, char **arguments)
{
	long fd;

	if (count != 3)
		return 253;
	fd = system_call(SYS_OPEN, (long)"/dev/tracer", O_RDWR, 0);
	if (fd < 0)
		return 254;
	return -system_call(SYS_IOCTL, fd, (long)number_from(arguments[1]),
			    (long)number_from(arguments[2]));
}

/* Called by start.S with the stack as the kernel leaves it: count, arguments. */
void start(long *stack);

void start(long *stack)
{
	system_call(SYS_EXIT, request(stack[0], (char **)(stack + 1)), 0, 0);
}
