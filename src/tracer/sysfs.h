/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of /sys/class/misc/tracer, one value each. */
#ifndef TRACER_SYSFS_H
#define TRACER_SYSFS_H

#include <linux/sysfs.h>

extern const struct attribute_group *tracer_sysfs_groups[];

#endif /* TRACER_SYSFS_H */
