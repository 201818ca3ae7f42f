// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of calls: how often each is made, and what each may answer.
 *
 * What tracer answers to is in tracer.h. Beyond that the kernel itself refuses
 * what a file cannot do, before tracer is asked.
 */
#include <errno.h>

#include "fuzzer.h"

#define ANSWERS(...) ((const short[]){ __VA_ARGS__, 0 })
/* Of a file that is not open, or only as a path. */
#define NO_FILE EBADF

const struct kind kinds[] = {
	/* What becomes of the next call: see worker.c. */
	[BESIDE] = { "(two at once)", 30 },
	[IN_CHILD] = { "(in a child)", 12, .cost = 250 },
	[FAULT] = { "(with a fault)", 30 },

	{ "ADD_PROCESS", 90, act_add,
	  ANSWERS(EINVAL, ESRCH, EPERM, EEXIST, ENOSPC, ENOTTY, NO_FILE) },
	{ "ADD_TREE", 16, act_add_tree,
	  ANSWERS(EINVAL, ESRCH, EPERM, EEXIST, ENOSPC, ENOTTY, NO_FILE),
	  .cost = 500 },
	{ "REMOVE_PROCESS", 60, act_remove,
	  ANSWERS(EINVAL, ESRCH, EPERM, ENOTTY, NO_FILE) },
	{ "REMOVE_ALL", 25, act_remove_all, ANSWERS(ENOTTY, NO_FILE),
	  .cost = 100 },
	{ "HAS_PROCESS", 60, act_has,
	  ANSWERS(EINVAL, ESRCH, EPERM, ENOTTY, NO_FILE) },
	{ "another request", 60, act_other, ANSWERS(ENOTTY, NO_FILE) },

	{ "open the device", 40, act_open_device,
	  ANSWERS(EINVAL, ENOTDIR, EEXIST), .changes_files = true },
	{ "open the table", 25, act_open_table,
	  ANSWERS(EACCES, EINVAL, ENOTDIR, EEXIST), .changes_files = true },
	{ "open another file", 10, act_open_attribute, ANSWERS(EACCES, ENOENT),
	  .changes_files = true },
	{ "close", 25, act_close, ANSWERS(EBADF), .changes_files = true },
	{ "dup", 20, act_dup, ANSWERS(EBADF, EINVAL), .changes_files = true },

	{ "read", 130, act_read,
	  ANSWERS(EINVAL, EAGAIN, EINTR, EFAULT, EIO, NO_FILE) },
	{ "read the table", 60, act_read_table, ANSWERS(EIO, NO_FILE) },
	{ "pread", 40, act_read_at,
	  ANSWERS(EINVAL, EAGAIN, EINTR, EFAULT, EOVERFLOW, EIO, NO_FILE) },
	{ "readv", 30, act_read_parts,
	  ANSWERS(EINVAL, EAGAIN, EINTR, EFAULT, EIO, NO_FILE) },
	{ "splice", 10, act_splice,
	  ANSWERS(EINVAL, EAGAIN, EINTR, EIO, NO_FILE) },
	{ "write", 20, act_write,
	  ANSWERS(EINVAL, EFAULT, EIO, ESPIPE, NO_FILE) },
	{ "lseek", 50, act_seek, ANSWERS(EINVAL, EOVERFLOW, NO_FILE) },
	{ "poll", 60, act_poll, ANSWERS(EINTR, EPERM, NO_FILE) },
	{ "mmap", 15, act_map,
	  ANSWERS(ENODEV, EACCES, EINVAL, EIO, ENOMEM, EPERM, NO_FILE) },
	{ "fcntl", 30, act_control, ANSWERS(EINVAL, EPERM, NO_FILE) },

	{ "fork", 12, act_spawn, ANSWERS(EAGAIN), .cost = 250,
	  .changes_files = true },
	{ "kill", 12, act_end, ANSWERS(ESRCH), .cost = 50,
	  .changes_files = true },
	{ "become another user", 3, act_become, ANSWERS(ESRCH), .cost = 50 },
	{ "prctl", 15, act_name, ANSWERS(EFAULT) },
};

const unsigned int nr_kinds = sizeof(kinds) / sizeof(kinds[0]);

static bool is_known(const struct kind *kind, long error, bool is_faulty)
{
	const short *answer;

	for (answer = kind->errnos; *answer; answer++) {
		if (*answer == error)
			return true;
	}
	/* Copying to and from users is made to fail, too. */
	return is_faulty &&
	       (error == ENOMEM || error == EFAULT || error == ENFILE);
}

void perform(struct actor *me, const struct call *call)
{
	const struct kind *kind = &kinds[call->kind];
	long result;

	shared->at[me->worker->number].kind = call->kind;
	result = kind->act(me, call->arg);
	atomic_fetch_add(&shared->calls[call->kind], 1);
	atomic_fetch_add(&shared->at[me->worker->number].calls, 1);
	if (result >= 0)
		atomic_fetch_add(&shared->results[call->kind][0], 1);
	else if (-result < ERRNOS)
		atomic_fetch_add(&shared->results[call->kind][-result], 1);
	if (result < 0 && !is_known(kind, -result, me->faulty))
		complain(me, "%s answers errno %ld", kind->name, -result);
}
