/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/kernel/debug/tracer; not an error if debugfs is not to be had. */
#ifndef TRACER_DEBUGFS_H
#define TRACER_DEBUGFS_H

void tracer_debugfs_create(void);
void tracer_debugfs_destroy(void);

#endif /* TRACER_DEBUGFS_H */
