// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose processes a caller may monitor. ptrace_may_access() is not exported
 * to modules, so the rule is written out.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/uidgid.h>

#include "access.h"

static bool capable_in(const struct file *opener, struct user_namespace *ns,
		       int capability)
{
	/* Quiet: a denial here is no event, the row is just not shown. */
	return opener ? file_ns_capable(opener, ns, capability) :
			ns_capable_noaudit(ns, capability);
}

bool tracer_may_monitor(const struct file *opener, struct task_struct *task)
{
	const struct cred *caller = opener ? opener->f_cred : current_cred();
	const struct cred *cred = __task_cred(task);

	if (uid_eq(cred->uid, caller->uid) && uid_eq(cred->euid, caller->uid) &&
	    uid_eq(cred->suid, caller->uid))
		return true;
	return capable_in(opener, cred->user_ns, CAP_SYS_PTRACE) ||
	       capable_in(opener, cred->user_ns, CAP_PERFMON);
}
