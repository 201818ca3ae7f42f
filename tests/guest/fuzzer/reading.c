// SPDX-License-Identifier: GPL-2.0-only
/* read(2) and its like, with all kinds of sizes, offsets and addresses. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzzer.h"

static size_t size_of(const uint32_t *arg)
{
	static const size_t sizes[] = { 0,
					1,
					ONE_RECORD - 1,
					ONE_RECORD,
					ONE_RECORD + 1,
					2 * ONE_RECORD - 1,
					2 * ONE_RECORD,
					2 * ONE_RECORD + 1,
					4095,
					4096,
					4097,
					65536,
					INT_MAX,
					SSIZE_MAX,
					(size_t)SSIZE_MAX + 1,
					SIZE_MAX };

	switch (arg[0] % 4) {
	case 0:
		return sizes[arg[1] % 16];
	case 1:
		return arg[1] % 65537;
	default:
		return ONE_RECORD * (1 + arg[1] % 8);
	}
}

/* An address to read to, and how many bytes may be written there. */
struct target {
	unsigned char *at;
	size_t room;
	bool is_plain; /* all of what is asked for fits, and is watched */
};

static struct target target_of(const struct actor *me, uint32_t arg,
			       size_t size)
{
	unsigned char *end = me->memory + MEMORY_SIZE;
	size_t last = (arg >> 8) % (3 * ONE_RECORD);

	switch (arg % 16) {
	case 0:
		return (struct target){ NULL, 0, false };
	case 1:
		return (struct target){ (unsigned char *)8, 0, false };
	case 2: /* of the kernel */
		return (struct target){ (unsigned char *)LONG_MIN, 0, false };
	case 3: /* up to a page that is not */
	case 4:
		return (struct target){ end - last, last, false };
	case 5: /* only to be read */
		return (struct target){ end + PAGE, 0, false };
	default:
		return (struct target){ me->memory + (arg >> 8) % 64,
					MEMORY_SIZE - 64,
					size < MEMORY_SIZE / 2 };
	}
}

/* Return: how many bytes are watched. */
static size_t prepare(const struct target *target, size_t size)
{
	size_t watched = size + 2 * ONE_RECORD;

	if (!target->is_plain)
		return 0;
	memset(target->at, UNTOUCHED, watched);
	return watched;
}

static void judge_untouched(const struct actor *me, const struct target *target,
			    long from, size_t watched)
{
	size_t i;

	for (i = from < 0 ? 0 : from; i < watched; i++) {
		if (target->at[i] != UNTOUCHED) {
			complain(me, "%ld bytes are read, byte %zu is written",
				 from, i);
			return;
		}
	}
}

static void judge_device(const struct actor *me, const struct target *target,
			 size_t size, long result)
{
	if (target->is_plain && size < ONE_RECORD &&
	    (result >= 0 || result == -EAGAIN || result == -EINTR))
		complain(me, "reading %zu bytes is answered %ld", size, result);
	if (result > 0)
		judge_records(me, target->at, result);
}

static void judge(const struct actor *me, const struct slot *slot,
		  const struct target *target, size_t size, long result)
{
	if (result > 0 && (size_t)result > size) {
		complain(me, "%ld of %zu bytes are read", result, size);
		return;
	}
	if (result > 0 && (size_t)result > target->room) {
		complain(me, "%ld bytes are read to room for %zu", result,
			 target->room);
		return;
	}
	if (slot->what == DEVICE)
		judge_device(me, target, size, result);
}

static long read_once(const struct actor *me, const struct slot *slot,
		      const uint32_t *arg, const off_t *offset)
{
	size_t watched, size = size_of(arg);
	struct target target = target_of(me, arg[2], size);
	long result;

	watched = prepare(&target, size);
	result = offset ? pread(slot->fd, target.at, size, *offset) :
			  read(slot->fd, target.at, size);
	if (result < 0)
		result = -errno;
	/* Part of a record that did not fit is no fault of who copied it. */
	judge_untouched(me, &target, result, watched);
	judge(me, slot, &target, size, result);
	return result;
}

long act_read(struct actor *me, const uint32_t *arg)
{
	return read_once(me, slot_of(me, arg[0] >> 4, DEVICE), arg + 1, NULL);
}

/* From its beginning, with room for many rows: what comes has to be a table. */
long act_read_table(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0] | 1, TABLE);
	size_t size = 1 + arg[1] % (MEMORY_SIZE / 2);
	long result;

	if (slot->what != TABLE)
		return -EBADF;
	result = pread(slot->fd, me->memory, size, 0);
	if (result < 0)
		return -errno;
	judge_table(me, (char *)me->memory, result, (size_t)result == size);
	return result;
}

long act_read_at(struct actor *me, const uint32_t *arg)
{
	static const off_t offsets[] = { 0,	    1,
					 90,	    91,
					 4096,	    -1,
					 INT_MAX,   (off_t)INT_MAX + 1,
					 INT64_MAX, INT64_MIN };
	off_t offset = arg[0] & 0x100 ? arg[3] % 20000 : offsets[arg[3] % 10];

	return read_once(me,
			 slot_of(me, arg[0] >> 12, arg[0] % 4 ? TABLE : DEVICE),
			 arg, &offset);
}

long act_read_parts(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0], arg[1] % 4 ? DEVICE : TABLE);
	struct iovec parts[3];
	unsigned int i;
	long result;

	for (i = 0; i < 3; i++) {
		parts[i].iov_base = me->memory + 0x4000 * i;
		parts[i].iov_len = ONE_RECORD * (arg[2] >> 4 * i & 3);
		if (arg[3] >> 4 * i & 1)
			parts[i].iov_len += (arg[3] >> 4 * i & 0xf) - 8;
	}
	result = readv(slot->fd, parts, arg[1] >> 8 & 3);
	if (result < 0)
		return -errno;
	if (slot->what == DEVICE && result % ONE_RECORD)
		complain(me, "readv gives %ld bytes", result);
	return result;
}

/* Into a pipe with room for all that is asked for. */
long act_splice(struct actor *me, const uint32_t *arg)
{
	struct slot *slot = slot_of(me, arg[0] | 1, TABLE);
	long result;
	int ends[2];

	if (slot->what != TABLE)
		return -EBADF;
	if (pipe(ends))
		return -errno;
	result = splice(slot->fd, NULL, ends[1], NULL, 1 + arg[2] % 8192,
			SPLICE_F_NONBLOCK);
	if (result < 0)
		result = -errno;
	close(ends[0]);
	close(ends[1]);
	return result;
}
