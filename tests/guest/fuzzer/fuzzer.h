/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer of /dev/tracer and /proc/tracer, see main.c.
 *
 *   main.c	options, and what is there before and after the workers
 *   workers.c	starting, watching and ending them
 *   worker.c	a process that makes up programs and runs them
 *   threads.c	its second thread, and signals
 *   program.c	programs: made at random, or from one that reached something
 *   kinds.c	the table of calls, and what each may answer
 *   requests.c, files.c, reading.c, children.c   the calls
 *   judge.c	whether what was read can be
 *   report.c	what they did
 *   cover.c	what of the module was reached, by the kernel's KCOV
 */
#ifndef FUZZER_H
#define FUZZER_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NODE "/dev/tracer"
#define TABLE_PATH "/proc/tracer"

#define NR_ARGS 4
#define PROGRAM_MAX 16
#define WORKERS_MAX 16
#define KINDS_MAX 32
#define ERRNOS 256
#define NR_SLOTS 8
#define NR_KIDS 4
/* Who a worker of root may become. */
#define ALICE 4001
#define MEMBER 4003

/* A call: its kind, and numbers of which each kind makes what it needs. */
struct call {
	uint32_t kind;
	uint32_t arg[NR_ARGS];
};

struct program {
	unsigned int count;
	struct call calls[PROGRAM_MAX];
};

struct chance {
	uint64_t state;
};

/* Of all workers, in memory that they share. */
#define REACHED_MAX (1u << 16)
struct shared {
	atomic_ulong calls[KINDS_MAX];
	atomic_ulong results[KINDS_MAX][ERRNOS]; /* by errno, 0: success */
	atomic_ulong records; /* that were read */
	atomic_ulong rows;
	atomic_ulong complaints;
	atomic_ulong kept; /* programs, because they reached something new */
	atomic_ulong reached[REACHED_MAX]; /* a hash set of PCs */
	atomic_uint nr_reached;
	atomic_bool stop; /* time is up */
	atomic_uint pids[WORKERS_MAX];
	struct {
		atomic_ulong program; /* which it runs */
		atomic_ulong calls;
		atomic_uint kind; /* of the call that it is in */
	} at[WORKERS_MAX];
};

extern struct shared *shared;

/* What KCOV writes for one thread. */
struct cover {
	int fd; /* -1: there is no KCOV */
	uint64_t *area; /* count, PCs */
};

enum what {
	NOTHING,
	DEVICE,
	TABLE,
	ATTRIBUTE
};

struct slot {
	int fd;
	enum what what;
};

/* A thread that makes calls. */
struct actor {
	struct worker *worker;
	struct cover cover;
	int fail_nth; /* file that makes an allocation fail; -1: none */
	bool faulty; /* one was to fail in this call */
	unsigned char *memory; /* see MEMORY_* */
};

/* All workers, as the command line has them. */
struct crew {
	uint64_t seed;
	unsigned long calls;
	unsigned int count;
	unsigned long seconds; /* at most */
};

struct worker {
	unsigned int number;
	bool is_root;
	uint64_t seed;
	unsigned long calls; /* to be made */
	unsigned long considered; /* calls */
	unsigned long last[KINDS_MAX]; /* which of them was of that kind */
	struct chance chance;
	const struct program *program; /* that is under way */
	struct actor self;
	struct actor sibling; /* its second thread */
	struct actor child; /* the actor of a process that makes one call */
	pid_t child_pid;
	pid_t sibling_tid;
	struct slot slots[NR_SLOTS];
	pid_t kids[NR_KIDS]; /* 0: none */
	pid_t dead; /* the last one that was reaped */
};

/* Memory for what is read: writable, a page that is not, one only to read. */
#define MEMORY_SIZE 0x20000u
#define PAGE 0x10000u /* the largest that there is */
#define MEMORY_ALL (MEMORY_SIZE + 3 * PAGE)
#define UNTOUCHED 0xa5

#define ONE_RECORD 144u

/* chance.c */
uint64_t chance_next(struct chance *chance);
uint32_t chance_below(struct chance *chance, uint32_t limit);

/* cover.c */
void cover_open(struct cover *cover);
void cover_start(const struct cover *cover); /* of the calling thread */
void cover_reset(const struct cover *cover);
/* Return: how many PCs of it nobody had reached before. */
unsigned int cover_collect(const struct cover *cover);

/* kinds.c */
/* Return: what the call returned, or its errno, negative. */
typedef long act_fn(struct actor *me, const uint32_t *arg);
struct kind {
	const char *name;
	unsigned int weight; /* how often among programs made at random */
	act_fn *act;
	const short *errnos; /* that it may answer, up to a 0 */
	unsigned int cost; /* one in as many calls, at most */
	bool changes_files; /* not beside another call */
};
extern const struct kind kinds[];
extern const unsigned int nr_kinds;
enum {
	BESIDE,
	IN_CHILD,
	FAULT,
	NR_MODIFIERS
}; /* the first in kinds[] */
void perform(struct actor *me, const struct call *call);

/* program.c */
void program_make(struct program *program, struct chance *chance);
void program_mutate(struct program *program, const struct program *other,
		    struct chance *chance);
void program_print(const struct program *program);

/* main.c */
void die(const char *what);

/* workers.c */
void *map_memory(void *at, size_t size, int protection, int flags);
void workers_start(const struct crew *crew);
/* Until all have ended, or hang. @child: SIGCHLD, which is blocked. */
void workers_watch(const struct crew *crew, const sigset_t *child);
void workers_end(const struct crew *crew);

/* worker.c */
void worker_run(struct worker *worker);
void complain(const struct actor *me, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* threads.c */
void sibling_start(struct worker *worker);
void sibling_begin(const struct call *call);
void sibling_await(void);
/* A signal every few milliseconds: no call sleeps for longer. */
void ticking_start(void);

/* children.c */
void child_perform(struct worker *worker, const struct call *call,
		   uint32_t arg);
void child_await(struct worker *worker);
pid_t pid_of(const struct actor *me, const uint32_t *arg, long *argument);
act_fn act_spawn, act_end, act_become, act_name;

/* requests.c */
act_fn act_add, act_add_tree, act_remove, act_remove_all, act_has, act_other;

/* files.c */
struct slot *slot_of(const struct actor *me, uint32_t arg, enum what wanted);
act_fn act_open_device, act_open_table, act_open_attribute, act_close, act_dup;
act_fn act_seek, act_poll, act_map, act_control, act_write;

/* reading.c */
act_fn act_read, act_read_table, act_read_at, act_read_parts, act_splice;

/* report.c */
unsigned long calls_made(const struct crew *crew);
void report_print(const struct crew *crew);

/* judge.c: what was read can be; complains if not. */
void judge_records(const struct actor *me, const unsigned char *data,
		   size_t size);
void judge_table(const struct actor *me, const char *text, size_t size,
		 bool is_cut);

#endif /* FUZZER_H */
