// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose processes a caller may monitor. ptrace_may_access() is not exported
 * to modules, so the rule is written out.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "access.h"

static bool capable_in(const struct file *opener, struct user_namespace *ns,
		       int capability)
{
	/* Quiet: a denial here is no event, the row is just not shown. */
	return opener ? file_ns_capable(opener, ns, capability) :
			ns_capable_noaudit(ns, capability);
}

static bool may_monitor(const struct file *opener, const struct cred *cred)
{
	const struct cred *caller = opener ? opener->f_cred : current_cred();

	if (uid_eq(cred->uid, caller->uid) && uid_eq(cred->euid, caller->uid) &&
	    uid_eq(cred->suid, caller->uid))
		return true;
	return capable_in(opener, cred->user_ns, CAP_SYS_PTRACE) ||
	       capable_in(opener, cred->user_ns, CAP_PERFMON);
}

bool tracer_may_monitor(const struct file *opener, struct task_struct *task)
{
	return may_monitor(opener, __task_cred(task));
}

bool tracer_may_request(struct task_struct *task, struct tracer_owner *owner)
{
	const struct cred *cred = __task_cred(task);

	*owner = (struct tracer_owner){ cred->uid, cred->euid, cred->suid };
	return may_monitor(NULL, cred);
}

static bool is_within(const struct user_namespace *ns,
		      const struct user_namespace *outer)
{
	while (ns && ns != outer)
		ns = ns->parent;
	return ns;
}

void tracer_reader_init(struct tracer_reader *reader, struct file *opener)
{
	struct user_namespace *ns = opener->f_cred->user_ns;

	reader->cred = get_cred(opener->f_cred);
	reader->capable = file_ns_capable(opener, ns, CAP_PERFMON) ||
			  file_ns_capable(opener, ns, CAP_SYS_PTRACE);
}

void tracer_reader_release(struct tracer_reader *reader)
{
	put_cred(reader->cred);
}

bool tracer_may_read(const struct tracer_reader *reader,
		     const struct tracer_owner *owner, struct task_struct *task)
{
	const struct cred *cred = __task_cred(task);

	if (uid_eq(cred->uid, owner->uid) && uid_eq(cred->euid, owner->euid) &&
	    uid_eq(cred->suid, owner->suid))
		return true;
	return reader->capable &&
	       is_within(cred->user_ns, reader->cred->user_ns);
}
