// SPDX-License-Identifier: GPL-2.0-only
/* ioctl(2): our requests with all kinds of PIDs, and requests that are none. */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <tracer.h>

#include "fuzzer.h"

_Static_assert(sizeof(struct tracer_record) == ONE_RECORD, "the ABI is fixed");

static long request(const struct actor *me, unsigned int number,
		    const uint32_t *arg, long argument)
{
	const struct slot *slot = slot_of(me, arg[0], DEVICE);

	return ioctl(slot->fd, number, argument) < 0 ? -errno : 0;
}

/* What an answer has to be, whatever else goes on. */
static void judge(const struct actor *me, pid_t pid, long result)
{
	if (result == -EBADF || result == -ENOTTY || me->faulty)
		return;
	if (pid <= 0 && result != -EINVAL)
		complain(me, "PID %d is answered %ld, not EINVAL", pid, result);
	if (me->worker->is_root && result == -EPERM)
		complain(me, "root is answered EPERM for PID %d", pid);
	if (me == &me->worker->child)
		return; /* it may have other numbers */
	if (pid == me->worker->sibling_tid && result != -EINVAL)
		complain(me, "a thread is answered %ld, not EINVAL", result);
	if (pid == 1 && !me->worker->is_root && result != -EPERM)
		complain(me, "init is answered %ld, not EPERM", result);
}

static long request_of_pid(const struct actor *me, unsigned int number,
			   const uint32_t *arg)
{
	long argument, result;
	pid_t pid = pid_of(me, arg + 1, &argument);

	result = request(me, number, arg, argument);
	judge(me, pid, result);
	return result;
}

long act_add(struct actor *me, const uint32_t *arg)
{
	return request_of_pid(me, TRACER_ADD_PROCESS, arg);
}

long act_add_tree(struct actor *me, const uint32_t *arg)
{
	return request_of_pid(me, TRACER_ADD_TREE, arg);
}

long act_remove(struct actor *me, const uint32_t *arg)
{
	return request_of_pid(me, TRACER_REMOVE_PROCESS, arg);
}

long act_has(struct actor *me, const uint32_t *arg)
{
	return request_of_pid(me, TRACER_HAS_PROCESS, arg);
}

long act_remove_all(struct actor *me, const uint32_t *arg)
{
	return request(me, TRACER_REMOVE_ALL, arg, (int32_t)arg[1]);
}

static bool is_ours(unsigned int number)
{
	return number == TRACER_ADD_PROCESS || number == TRACER_ADD_TREE ||
	       number == TRACER_REMOVE_PROCESS || number == TRACER_REMOVE_ALL ||
	       number == TRACER_HAS_PROCESS;
}

/* One of ours with some bits changed, or any number at all. */
static unsigned int other_number(const uint32_t *arg)
{
	static const unsigned int ours[] = { TRACER_ADD_PROCESS,
					     TRACER_REMOVE_PROCESS,
					     TRACER_ADD_TREE, TRACER_REMOVE_ALL,
					     TRACER_HAS_PROCESS };
	unsigned int number = ours[arg[1] % 5];

	switch (arg[2] % 5) {
	case 0:
		number ^= 1u << arg[3] % 8; /* its number */
		break;
	case 1:
		number ^= arg[3] << 30; /* its direction */
		break;
	case 2:
		number ^= (arg[3] & 0x3fff) << 16; /* its size */
		break;
	case 3:
		number ^= 1u << arg[3] % 32;
		break;
	default:
		number = arg[3];
	}
	/* Requests that the kernel itself knows for every file have others. */
	if (_IOC_TYPE(number) != _IOC_WRITE)
		number = (number & ~0xff00u) | _IOC_WRITE << 8;
	return number;
}

long act_other(struct actor *me, const uint32_t *arg)
{
	unsigned int number = other_number(arg);
	long argument, result;

	if (is_ours(number))
		number ^= 0x80;
	pid_of(me, arg + 2, &argument);
	result = request(me, number, arg, argument);
	if (!result)
		complain(me, "request %#x is taken", number);
	return result;
}
