/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks that do a known number of each operation that tracer counts. */
#ifndef TRACER_WORKLOAD_H
#define TRACER_WORKLOAD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/types.h>

#define WORKER_STEPS 96
#define WORKER_BLOCKS 8192

/* First in, first out, and never reused: a worker works once. */
struct blocks {
	void **at;
	unsigned int first;
	unsigned int end;
};

struct worker;

/* One event of one kind; 0 or a negative errno. */
struct operation {
	const char *name;
	int (*run)(struct worker *worker, size_t size);
};

struct step {
	const struct operation *operation;
	unsigned int count;
	size_t size;
};

enum phase {
	PHASE_STARTING,
	PHASE_PARKED,
	PHASE_WORKING,
	PHASE_DONE,
};

struct worker {
	struct list_head node; /* workers_lock */
	struct task_struct *thread; /* NULL: a task that came by write(2) */
	pid_t pid;
	enum phase phase;
	bool ending; /* what is left to do is not done any more */
	int error;
	struct step steps[WORKER_STEPS];
	unsigned int step_count;
	struct blocks own; /* what the worker allocated and still holds */
	unsigned int released; /* ->own.at[] from here on: freed by others */
	struct blocks foreign; /* what was allocated for it, to be freed by it */
	size_t foreign_usable; /* bytes: what the slabs gave for ->foreign */
	struct semaphore semaphore;
	struct mutex mutex;
};

/* allocations.c */
extern const struct operation allocations[]; /* up to one without a name */
int blocks_create(struct blocks *blocks);
void blocks_destroy(struct blocks *blocks);
int blocks_push(struct blocks *blocks, void *block);
int allocation_prepare(struct worker *worker, const struct step *step);
int allocations_start(void);
void allocations_stop(void);

/* operations.c */
const struct operation *operation_find(const char *name);

/* exchange.c */
void worker_release(struct worker *worker, bool by_rcu);
int worker_reuse(struct worker *worker, size_t size);

/* workers.c */
int workers_create_threads(char *command);
int workers_work_here(char *command);
int workers_work_now(char *command);
void workers_go(void);
void workers_end(void);
size_t workers_print(char *text, size_t length);
void workers_release(bool by_rcu);
int workers_reuse(size_t size);
void worker_park(struct worker *worker, enum phase phase, bool rudely);

#endif
