// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was reached, by KCOV: the kernel writes the address of each block of
 * instrumented code that the calling thread runs into memory shared with it.
 * Only tracer is instrumented, so that all of them are its own.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fuzzer.h"

/* Of <linux/kcov.h>. */
#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_TRACE_PC 0
#define ENTRIES (1u << 17)

void cover_open(struct cover *cover)
{
	void *area;

	cover->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (cover->fd < 0)
		return;
	area = MAP_FAILED;
	if (!ioctl(cover->fd, KCOV_INIT_TRACE, (unsigned long)ENTRIES))
		area = mmap(NULL, ENTRIES * sizeof(uint64_t),
			    PROT_READ | PROT_WRITE, MAP_SHARED, cover->fd, 0);
	if (area == MAP_FAILED)
		cover->fd = -1;
	else
		cover->area = area;
}

void cover_start(const struct cover *cover)
{
	if (cover->fd >= 0)
		ioctl(cover->fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

void cover_reset(const struct cover *cover)
{
	if (cover->fd >= 0)
		__atomic_store_n(&cover->area[0], 0, __ATOMIC_RELAXED);
}

/* Return: whether this call put it in. */
static bool is_new(uint64_t pc)
{
	uint32_t at = pc * 0x9e3779b97f4a7c15 >> 48;
	unsigned long found;

	for (;; at = (at + 1) % REACHED_MAX) {
		found = 0;
		if (atomic_load(&shared->reached[at]) == pc)
			return false;
		if (atomic_compare_exchange_strong(&shared->reached[at], &found,
						   pc))
			return true;
		if (found == pc)
			return false;
	}
}

unsigned int cover_collect(const struct cover *cover)
{
	unsigned int found = 0;
	uint64_t count, i;

	if (cover->fd < 0)
		return 0;
	count = __atomic_load_n(&cover->area[0], __ATOMIC_RELAXED);
	for (i = 1; i <= count && i < ENTRIES; i++)
		found += is_new(cover->area[i]);
	atomic_fetch_add(&shared->nr_reached, found);
	return found;
}
