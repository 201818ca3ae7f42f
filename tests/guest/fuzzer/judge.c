// SPDX-License-Identifier: GPL-2.0-only
/* Whether what the module gives can be: records, and rows of the table. */
#include <string.h>
#include <tracer.h>

#include "fuzzer.h"

#define FLAGS \
	(TRACER_RECORD_TREE | TRACER_RECORD_WITHHELD | TRACER_RECORD_RUNNING)
#define COLUMNS 10
#define LOWEST_ADDRESS (0xffffull << 48) /* of the kernel */

static bool is_zero(const void *data, size_t size)
{
	const unsigned char *byte = data;

	while (size && !*byte) {
		byte++;
		size--;
	}
	return !size;
}

/* Return: what is wrong with it, or NULL. */
static const char *fault_of(const struct tracer_record *record)
{
	const uint64_t *words = (const uint64_t *)record;
	size_t length = strnlen(record->comm, sizeof(record->comm));
	unsigned int i;

	if (record->size != sizeof(*record))
		return "another size";
	if (record->flags & ~FLAGS)
		return "an unknown flag";
	if (record->pid < 0 || record->ppid < 0)
		return "a negative PID";
	if (record->exit_status & ~0xffff)
		return "no status of wait(2)";
	if (record->exit_status && record->flags & TRACER_RECORD_RUNNING)
		return "a status, but runs";
	if (length == sizeof(record->comm))
		return "a name without end";
	if (!is_zero(record->comm + length, sizeof(record->comm) - length))
		return "something behind its name";
	if (record->ended_ns < record->added_ns)
		return "an end before its beginning";
	if (record->flags & TRACER_RECORD_WITHHELD &&
	    !is_zero(&record->counts, sizeof(record->counts)))
		return "counts that are withheld";
	/* All but the name, which is the user's. */
	for (i = 0; i < sizeof(*record) / sizeof(*words); i++) {
		if (words[i] >= LOWEST_ADDRESS &&
		    (i < offsetof(struct tracer_record, comm) / 8 ||
		     i > offsetof(struct tracer_record, comm) / 8 + 1))
			return "an address";
	}
	return NULL;
}

void judge_records(const struct actor *me, const unsigned char *data,
		   size_t size)
{
	struct tracer_record record;
	const char *fault;

	if (size % sizeof(record))
		complain(me, "%zu bytes are no whole records", size);
	for (; size >= sizeof(record); size -= sizeof(record)) {
		memcpy(&record, data, sizeof(record));
		data += sizeof(record);
		fault = fault_of(&record);
		if (fault)
			complain(me, "a record has %s", fault);
		atomic_fetch_add(&shared->records, 1);
	}
}

/* A number and the blanks behind it. Return: what follows, NULL: no number. */
static const char *skip_number(const char *at, const char *end, uint64_t *value)
{
	const char *start = at;

	*value = 0;
	while (at < end && *at >= '0' && *at <= '9')
		*value = *value * 10 + (*at++ - '0');
	if (at == start || (*start == '0' && at > start + 1))
		return NULL;
	while (at < end && *at == ' ')
		at++;
	return at;
}

/* One line, without its end. Return: its PID, or 0 if it is no row. */
static uint64_t pid_of_row(const char *line, const char *end)
{
	uint64_t pid = 0, value;
	int column;

	for (column = 0; line && column < COLUMNS; column++) {
		line = skip_number(line, end, &value);
		if (!column)
			pid = value;
	}
	return line == end ? pid : 0;
}

void judge_table(const struct actor *me, const char *text, size_t size,
		 bool is_cut)
{
	static const char head[] = "PID     kmalloc    kfree ";
	const char *end = text + size, *line, *next;
	uint64_t pid, last = 0;

	if (memcmp(text, head,
		   size < sizeof(head) - 1 ? size : sizeof(head) - 1)) {
		complain(me, "the table does not begin with its header");
		return;
	}
	line = memchr(text, '\n', size);
	for (line = line ? line + 1 : end; line < end; line = next + 1) {
		next = memchr(line, '\n', end - line);
		if (!next && is_cut)
			return;
		pid = next ? pid_of_row(line, next) : 0;
		if (pid <= last || pid > INT32_MAX) {
			complain(me, "row %llu of the table follows %llu",
				 (unsigned long long)pid,
				 (unsigned long long)last);
			return;
		}
		last = pid;
		atomic_fetch_add(&shared->rows, 1);
	}
}
