// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker: makes up a program, runs it, and keeps it if it reached code that
 * no program had reached. Kept ones are what others are made of.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzzer.h"

#define KEPT_MAX 512

/* Of this worker alone: the set of what was reached is that of all. */
static struct program kept[KEPT_MAX];
static unsigned int nr_kept;

void complain(const struct actor *me, const char *format, ...)
{
	const struct worker *worker = me->worker;
	unsigned int number = worker->number;
	char text[200];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (atomic_fetch_add(&shared->complaints, 1) >= 10)
		return;
	dprintf(2, "fuzzer: %s\n  (seed %llu, worker %u, program %lu)\n", text,
		(unsigned long long)worker->seed, number,
		atomic_load(&shared->at[number].program));
	if (worker->program)
		program_print(worker->program);
}

/* Return: whether it may be made now: calls that take long are few. */
static bool is_affordable(struct worker *worker, const struct call *call)
{
	unsigned long *last = &worker->last[call->kind];

	worker->considered++;
	if (worker->considered - *last < kinds[call->kind].cost)
		return false;
	*last = worker->considered;
	return true;
}

static bool is_modifier(const struct call *call)
{
	return call->kind < NR_MODIFIERS;
}

static void make(struct worker *worker, const struct call *call)
{
	if (!is_modifier(call) && is_affordable(worker, call))
		perform(&worker->self, call);
}

static void count(const struct call *modifier)
{
	atomic_fetch_add(&shared->calls[modifier->kind], 1);
}

/* The next two calls at once, by two threads. Return: how many were used. */
static unsigned int make_beside(struct worker *worker, const struct call *call,
				unsigned int left)
{
	const struct call *first = call + 1, *second = call + 2;

	if (left < 2 || is_modifier(first) || is_modifier(second) ||
	    kinds[first->kind].changes_files ||
	    kinds[second->kind].changes_files ||
	    !is_affordable(worker, first) || !is_affordable(worker, second))
		return 0;
	count(call);
	sibling_begin(first);
	perform(&worker->self, second);
	sibling_await();
	return 2;
}

static unsigned int make_in_child(struct worker *worker,
				  const struct call *call, unsigned int left)
{
	if (!left || is_modifier(call + 1) || !is_affordable(worker, call) ||
	    kinds[call[1].kind].changes_files)
		return 0;
	count(call);
	child_perform(worker, call + 1, call->arg[0]);
	return 1;
}

/* The fault that was left over may hit this call itself: then it is gone. */
static void fail_nth(const struct actor *me, unsigned int nth)
{
	char text[12];
	int size = snprintf(text, sizeof(text), "%u", nth), tries;

	for (tries = 0; tries < 3; tries++) {
		if (pwrite(me->fail_nth, text, size, 0) == size)
			return;
	}
	complain(me, "fail-nth is refused");
}

/* There is no tick then that ends a call which waits: so none may wait. */
static void open_nonblocking(const struct worker *worker)
{
	const struct slot *slot;

	for (slot = worker->slots; slot < worker->slots + NR_SLOTS; slot++) {
		if (slot->what == DEVICE)
			fcntl(slot->fd, F_SETFL, O_NONBLOCK);
	}
}

/*
 * The kernel copies the frame of a signal to the user, and kills who cannot be
 * given one: none may come while a copy is to fail.
 */
static void block_ticks(int how)
{
	sigset_t ticks;

	sigemptyset(&ticks);
	sigaddset(&ticks, SIGALRM);
	sigaddset(&ticks, SIGUSR1);
	sigprocmask(how, &ticks, NULL);
}

/* The nth allocation of the next call, or copy to the user, fails. */
static unsigned int make_fail(struct worker *worker, const struct call *call,
			      unsigned int left)
{
	struct actor *me = &worker->self;
	unsigned int nth = call->arg[0] % 4 ? call->arg[1] % 8 :
					      call->arg[1] % 900;

	if (me->fail_nth < 0 || !left || is_modifier(call + 1) ||
	    !is_affordable(worker, call + 1))
		return 0;
	count(call);
	me->faulty = true;
	open_nonblocking(worker);
	block_ticks(SIG_BLOCK);
	fail_nth(me, 1 + nth);
	perform(me, call + 1);
	fail_nth(me, 0);
	block_ticks(SIG_UNBLOCK);
	me->faulty = false;
	return 1;
}

static void run(struct worker *worker, const struct program *program)
{
	unsigned int i, left;

	worker->program = program;
	for (i = 0; i < program->count; i++) {
		const struct call *call = &program->calls[i];

		left = program->count - 1 - i;
		if (call->kind == BESIDE)
			i += make_beside(worker, call, left);
		else if (call->kind == IN_CHILD)
			i += make_in_child(worker, call, left);
		else if (call->kind == FAULT)
			i += make_fail(worker, call, left);
		else
			make(worker, call);
	}
	child_await(worker);
}

static void close_all(struct worker *worker)
{
	struct slot *slot;

	for (slot = worker->slots; slot < worker->slots + NR_SLOTS; slot++) {
		if (slot->fd >= 0)
			close(slot->fd);
		*slot = (struct slot){ -1, NOTHING };
	}
}

/* Return: how many PCs it was the first to reach. */
static unsigned int run_covered(struct worker *worker,
				const struct program *program)
{
	const struct cover *covers[] = { &worker->self.cover,
					 &worker->sibling.cover,
					 &worker->child.cover };
	unsigned int i, found = 0;

	for (i = 0; i < 3; i++)
		cover_reset(covers[i]);
	run(worker, program);
	close_all(worker);
	for (i = 0; i < 3; i++)
		found += cover_collect(covers[i]);
	return found;
}

static void keep(struct worker *worker, const struct program *program)
{
	unsigned int at = nr_kept < KEPT_MAX ?
				  nr_kept++ :
				  chance_below(&worker->chance, KEPT_MAX);

	kept[at] = *program;
	atomic_fetch_add(&shared->kept, 1);
}

/* Two of three are made of a kept one, if there is any. */
static void make_up(struct worker *worker, struct program *program)
{
	struct chance *chance = &worker->chance;

	if (nr_kept && chance_below(chance, 3)) {
		*program = kept[chance_below(chance, nr_kept)];
		program_mutate(program, &kept[chance_below(chance, nr_kept)],
			       chance);
	} else {
		program_make(program, chance);
	}
}

void worker_run(struct worker *worker)
{
	unsigned int number = worker->number;
	struct program program;

	close_all(worker);
	cover_start(&worker->self.cover);
	ticking_start();
	while (shared->at[number].calls < worker->calls && !shared->stop) {
		make_up(worker, &program);
		if (run_covered(worker, &program))
			keep(worker, &program);
		atomic_fetch_add(&shared->at[number].program, 1);
	}
}
