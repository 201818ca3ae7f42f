// SPDX-License-Identifier: GPL-2.0-only
/* Programs: a few calls, one after the other. */
#include <stdio.h>
#include <string.h>

#include "fuzzer.h"

static uint32_t kind_make(struct chance *chance)
{
	unsigned int kind, sum = 0, at;

	for (kind = 0; kind < nr_kinds; kind++)
		sum += kinds[kind].weight;
	at = chance_below(chance, sum);
	for (kind = 0; at >= kinds[kind].weight; kind++)
		at -= kinds[kind].weight;
	return kind;
}

static uint32_t kind_named(const char *name)
{
	uint32_t kind = 0;

	while (strcmp(kinds[kind].name, name))
		kind++;
	return kind;
}

static void call_make(struct call *call, struct chance *chance)
{
	int i;

	call->kind = kind_make(chance);
	for (i = 0; i < NR_ARGS; i++)
		call->arg[i] = chance_next(chance);
}

/* Most begin with both files, without which other calls say little. */
void program_make(struct program *program, struct chance *chance)
{
	unsigned int i;

	program->count = 3 + chance_below(chance, PROGRAM_MAX - 2);
	for (i = 0; i < program->count; i++)
		call_make(&program->calls[i], chance);
	program->calls[0].kind = kind_named("open the device");
	program->calls[1].kind = kind_named("open the table");
	if (!chance_below(chance, 3))
		call_make(&program->calls[chance_below(chance, 2)], chance);
}

static void insert(struct program *program, unsigned int at,
		   struct chance *chance)
{
	struct call *call = &program->calls[at];

	if (program->count == PROGRAM_MAX)
		program->count--;
	memmove(call + 1, call, (program->count - at) * sizeof(*call));
	program->count++;
	call_make(call, chance);
}

static void leave_out(struct program *program, unsigned int at)
{
	struct call *call = &program->calls[at];

	if (program->count == 1)
		return;
	program->count--;
	memmove(call, call + 1, (program->count - at) * sizeof(*call));
}

/* The end of it becomes that of the other one. */
static void join(struct program *program, unsigned int at,
		 const struct program *other)
{
	if (at >= other->count)
		return;
	memcpy(&program->calls[at], &other->calls[at],
	       (other->count - at) * sizeof(*other->calls));
	program->count = other->count;
}

void program_mutate(struct program *program, const struct program *other,
		    struct chance *chance)
{
	unsigned int times = 1 + chance_below(chance, 4), at;
	uint32_t *arg;

	while (times--) {
		at = chance_below(chance, program->count);
		arg = &program->calls[at].arg[chance_below(chance, NR_ARGS)];
		switch (chance_below(chance, 7)) {
		case 0:
			insert(program, at, chance);
			break;
		case 1:
			leave_out(program, at);
			break;
		case 2:
			join(program, at, other);
			break;
		case 3:
			call_make(&program->calls[at], chance);
			break;
		case 4:
			*arg ^= 1u << chance_below(chance, 32);
			break;
		case 5:
			*arg += chance_below(chance, 3) - 1;
			break;
		default:
			*arg = chance_next(chance);
		}
	}
}

void program_print(const struct program *program)
{
	unsigned int i;

	for (i = 0; i < program->count; i++) {
		const struct call *call = &program->calls[i];

		dprintf(2, "  %s %#x %#x %#x %#x\n", kinds[call->kind].name,
			call->arg[0], call->arg[1], call->arg[2], call->arg[3]);
	}
}
