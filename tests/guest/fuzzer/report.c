// SPDX-License-Identifier: GPL-2.0-only
/* What all workers did, as JSON. */
#include <stdio.h>

#include "fuzzer.h"

unsigned long calls_made(const struct crew *crew)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < crew->count; i++)
		sum += shared->at[i].calls;
	return sum;
}

static void print_kind(unsigned int kind)
{
	const char *comma = "";
	unsigned int error;

	printf("  \"%s\": {\"calls\": %lu, \"errnos\": {", kinds[kind].name,
	       (unsigned long)shared->calls[kind]);
	for (error = 0; error < ERRNOS; error++) {
		if (!shared->results[kind][error])
			continue;
		printf("%s\"%u\": %lu", comma, error,
		       (unsigned long)shared->results[kind][error]);
		comma = ", ";
	}
	printf("}}%s\n", kind + 1 < nr_kinds ? "," : "");
}

void report_print(const struct crew *crew)
{
	unsigned long programs = 0;
	const char *comma = "";
	unsigned int i;

	for (i = 0; i < crew->count; i++)
		programs += shared->at[i].program;
	printf("{\"seed\": %llu, \"workers\": %u, \"calls\": %lu,\n",
	       (unsigned long long)crew->seed, crew->count, calls_made(crew));
	printf(" \"programs\": %lu, \"kept\": %lu, \"complaints\": %lu,\n",
	       programs, (unsigned long)shared->kept,
	       (unsigned long)shared->complaints);
	printf(" \"records\": %lu, \"rows\": %lu,\n \"kinds\": {\n",
	       (unsigned long)shared->records, (unsigned long)shared->rows);
	for (i = 0; i < nr_kinds; i++)
		print_kind(i);
	printf(" },\n \"reached\": [");
	for (i = 0; i < REACHED_MAX; i++) {
		if (!shared->reached[i])
			continue;
		printf("%s%lu", comma, (unsigned long)shared->reached[i]);
		comma = ", ";
	}
	printf("]}\n");
}
