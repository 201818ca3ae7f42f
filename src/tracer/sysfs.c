// SPDX-License-Identifier: GPL-2.0-only
/* The files of /sys/class/misc/tracer, one value each. */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "engine.h"
#include "handler.h"
#include "probe.h"
#include "process.h"
#include "sysfs.h"
#include "tree.h"

/* Monitored now. */
static ssize_t processes_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", tracer_processes_count());
}
static DEVICE_ATTR_RO(processes);

/* Samples that the kernel could not take, since load. */
static ssize_t missed_samples_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", tracer_probes_missed());
}
static DEVICE_ATTR_RO(missed_samples);

/* Frees by monitored processes that are priced by ksize(), since load. */
static ssize_t unknown_blocks_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", tracer_unknown_blocks());
}
static DEVICE_ATTR_RO(unknown_blocks);

/* Children of monitored trees that could not be followed, since load. */
static ssize_t unfollowed_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", tracer_unfollowed());
}
static DEVICE_ATTR_RO(unfollowed);

/* How functions are intercepted. */
static ssize_t engine_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n", tracer_engine->name);
}
static DEVICE_ATTR_RO(engine);

static struct attribute *attributes[] = {
	&dev_attr_processes.attr,      &dev_attr_missed_samples.attr,
	&dev_attr_unknown_blocks.attr, &dev_attr_unfollowed.attr,
	&dev_attr_engine.attr,	       NULL,
};

static const struct attribute_group group = {
	.attrs = attributes,
};

const struct attribute_group *tracer_sysfs_groups[] = {
	&group,
	NULL,
};
