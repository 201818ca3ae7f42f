// SPDX-License-Identifier: GPL-2.0-only
/* Open files, and all that is done with them but reading. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzzer.h"

/*
 * Among the files of this kind the one that the number says; now and then any
 * of all places. There is always one, perhaps with no file in it.
 */
struct slot *slot_of(const struct actor *me, uint32_t arg, enum what wanted)
{
	struct slot *slots = me->worker->slots;
	unsigned int i, at = arg >> 4;

	for (i = 0; arg % 16 && i < NR_SLOTS; i++, at++) {
		if (slots[at % NR_SLOTS].what == wanted)
			return &slots[at % NR_SLOTS];
	}
	return &slots[at % NR_SLOTS];
}

static long answer(long result)
{
	return result < 0 ? -errno : result;
}

/* Where nothing is, as long as there is such a place. */
static void put(struct actor *me, uint32_t arg, int fd, enum what what)
{
	struct slot *slot = slot_of(me, arg, NOTHING);

	if (slot->fd >= 0)
		close(slot->fd);
	*slot = (struct slot){ fd, what };
}

/* Most files are opened in one of the ways that programs use. */
static int flags_of(uint32_t arg)
{
	static const int flags[] = { O_RDWR | O_NONBLOCK,
				     O_RDONLY,
				     O_RDWR,
				     O_WRONLY,
				     O_CLOEXEC,
				     O_NONBLOCK,
				     O_RDWR | O_NONBLOCK,
				     O_RDWR | O_APPEND,
				     O_RDONLY | O_TRUNC,
				     O_RDWR | O_DIRECT,
				     O_RDONLY | O_DIRECTORY,
				     O_PATH,
				     O_RDWR | O_CREAT | O_EXCL,
				     O_RDWR | O_SYNC,
				     O_RDONLY | O_NOFOLLOW,
				     O_ACCMODE,
				     O_RDWR | O_NONBLOCK };
	return flags[arg % 8 ? arg >> 8 & 1 : arg >> 8 & 15];
}

/* A worker of root opens some as a user, who is then the one that reads. */
static long open_as(struct actor *me, const char *path, int flags,
		    const uint32_t *arg)
{
	bool as_alice = me->worker->is_root && arg[2] % 4 == 0;
	long fd;

	if (as_alice)
		syscall(SYS_setresuid, -1, ALICE, -1);
	fd = answer(open(path, flags, 0));
	if (as_alice)
		syscall(SYS_setresuid, -1, 0, -1);
	return fd;
}

static long open_into(struct actor *me, const char *path, int flags,
		      const uint32_t *arg, enum what what)
{
	long fd = open_as(me, path, flags, arg);

	if (fd < 0)
		return fd;
	put(me, arg[0], fd, what);
	return 0;
}

long act_open_device(struct actor *me, const uint32_t *arg)
{
	return open_into(me, NODE, flags_of(arg[1]), arg, DEVICE);
}

long act_open_table(struct actor *me, const uint32_t *arg)
{
	int flags = arg[3] % 8 ? O_RDONLY : flags_of(arg[1]);

	return open_into(me, TABLE_PATH, flags, arg, TABLE);
}

long act_open_attribute(struct actor *me, const uint32_t *arg)
{
	static const char *const paths[] = {
		"/sys/class/misc/tracer/processes",
		"/sys/class/misc/tracer/missed_samples",
		"/sys/class/misc/tracer/unknown_blocks",
		"/sys/class/misc/tracer/unfollowed",
		"/sys/class/misc/tracer/engine",
		"/sys/module/tracer/parameters/max_processes",
		"/sys/kernel/debug/tracer/probes",
		"/sys/kernel/debug/tracer/cpus",
	};
	long fd = answer(open(paths[arg[1] % 8], O_RDONLY | O_NONBLOCK));

	if (fd < 0)
		return fd;
	put(me, arg[0], fd, ATTRIBUTE);
	return 0;
}

long act_close(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 4 ? DEVICE : TABLE);
	long result = answer(close(slot->fd));

	*slot = (struct slot){ -1, NOTHING };
	return result;
}

long act_dup(struct actor *me, const uint32_t *arg)
{
	struct slot *from = slot_of(me, arg[0], arg[1] % 4 ? DEVICE : TABLE);
	struct slot *to = &me->worker->slots[arg[2] % NR_SLOTS];
	long fd;

	switch (arg[3] % 4) {
	case 0:
		fd = answer(fcntl(from->fd, F_DUPFD_CLOEXEC, 0));
		break;
	case 1:
		if (to->fd < 0 || to == from)
			return 0;
		fd = answer(dup2(from->fd, to->fd));
		if (fd >= 0)
			to->what = from->what;
		return fd < 0 ? fd : 0;
	case 2:
		fd = answer(dup3(from->fd, from->fd, 0));
		return fd;
	default:
		fd = answer(dup(from->fd));
	}
	if (fd < 0)
		return fd;
	put(me, arg[2], fd, from->what);
	return 0;
}

static off_t offset_of(const uint32_t *arg)
{
	static const off_t offsets[] = { 0,	    1,
					 -1,	    90,
					 4096,	    1 << 22,
					 INT32_MAX, (off_t)INT32_MAX + 1,
					 INT64_MAX, INT64_MIN };

	return arg[0] % 3 ? offsets[arg[1] % 10] : (int32_t)arg[1] % 20000;
}

long act_seek(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 4 ? TABLE : DEVICE);

	if (slot->what == ATTRIBUTE)
		return 0; /* not our code */
	return answer(lseek(slot->fd, offset_of(arg + 2), arg[1] >> 8 & 7)) <
			       0 ?
		       -errno :
		       0;
}

static void judge_events(struct actor *me, const struct slot *slot, int events)
{
	const int possible = POLLIN | POLLRDNORM | POLLHUP;

	if (slot->what == DEVICE && events & ~(possible | POLLNVAL))
		complain(me, "poll of the device says %#x", events);
}

static long poll_by_epoll(struct actor *me, const struct slot *slot,
			  uint32_t arg)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int fd = epoll_create1(EPOLL_CLOEXEC);
	long result;

	if (fd < 0)
		return -errno;
	if (arg % 2)
		event.events |= EPOLLET | EPOLLRDHUP;
	result = answer(epoll_ctl(fd, EPOLL_CTL_ADD, slot->fd, &event));
	if (!result)
		result = answer(epoll_wait(fd, &event, 1, 0));
	if (result > 0)
		judge_events(me, slot, event.events);
	close(fd);
	return result;
}

static long poll_by_select(const struct slot *slot)
{
	struct timeval none = { 0, 0 };
	fd_set in, out;

	if (slot->fd < 0)
		return -EBADF;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(slot->fd, &in);
	FD_SET(slot->fd, &out);
	return answer(select(slot->fd + 1, &in, &out, NULL, &none));
}

long act_poll(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 8 ? DEVICE : TABLE);
	struct pollfd one = { slot->fd, (short)arg[2], 0 };
	long result;

	if (arg[3] % 8 == 0)
		return poll_by_epoll(me, slot, arg[3] >> 8);
	if (arg[3] % 8 == 1)
		return poll_by_select(slot);
	result = answer(poll(&one, 1, 0));
	if (result > 0)
		judge_events(me, slot, one.revents);
	return result;
}

long act_map(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 4 ? DEVICE : TABLE);
	int how = arg[1] & 0x100 ? MAP_SHARED : MAP_PRIVATE;
	size_t size = arg[2] % 8 ? 1 + arg[2] % 0x10000 : 0;
	void *made = mmap(NULL, size, arg[1] >> 12 & 7, how, slot->fd,
			  (off_t)(arg[3] % 4) << 12);

	if (made == MAP_FAILED)
		return -errno;
	complain(me, "a file of tracer can be mapped");
	munmap(made, size);
	return 0;
}

/* It has no locks, leases or owners of its own, but flags that it looks at. */
long act_control(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 4 ? DEVICE : TABLE);
	int flags = arg[2] & (O_NONBLOCK | O_APPEND | O_NOATIME);

	if (arg[1] & 0x100)
		return answer(fcntl(slot->fd, F_GETFL)) < 0 ? -errno : 0;
	if (arg[1] & 0x200)
		flags |= O_ASYNC;
	return answer(fcntl(slot->fd, F_SETFL, flags)) < 0 ? -errno : 0;
}

long act_write(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 4 ? DEVICE : TABLE);
	const void *from = arg[2] % 4 ? me->memory : NULL;
	long result;

	if (slot->what == ATTRIBUTE)
		return 0;
	if (arg[2] & 0x100)
		result = answer(pwrite(slot->fd, from, arg[3] % 5000, arg[3]));
	else
		result = answer(write(slot->fd, from, arg[3] % 5000));
	if (result > 0)
		complain(me, "%ld bytes are written", result);
	return result;
}
