/* SPDX-License-Identifier: GPL-2.0-only */
/* Arming the probes for the first process, and disarming after the last. */
#ifndef TRACER_ARMING_H
#define TRACER_ARMING_H

/*
 * Arm unless that is done; who calls holds a place, which keeps it so. May
 * sleep. Return: 0; -EBUSY if kprobes or ftrace are switched off; or what the
 * kernel returned. On error nothing is armed, unless by another caller.
 */
int tracer_arm(void);

/* Disarm if nobody is monitored: soon, in any context; or now, may sleep. */
void tracer_disarm_soon(void);
void tracer_disarm_if_idle(void);

/* Disarm, and leave no work to do. After it nobody may arm. May sleep. */
void tracer_disarm_for_good(void);

#endif /* TRACER_ARMING_H */
