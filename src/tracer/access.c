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
	const struct cred *outer;
	bool capable;

	if (!opener)
		return ns_capable_noaudit(ns, capability);
	/*
	 * Quiet, which file_ns_capable() is not: a denial here is no event, the
	 * row is just not shown.
	 */
	outer = override_creds(opener->f_cred);
	capable = ns_capable_noaudit(ns, capability);
	revert_creds(outer);
	return capable;
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

bool tracer_may_exceed(void)
{
	/* Quiet, too: who has it not is not refused anything that is his. */
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
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
	/* Whoever runs is who opens. */
	reader->capable = ns_capable_noaudit(ns, CAP_PERFMON) ||
			  ns_capable_noaudit(ns, CAP_SYS_PTRACE);
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
