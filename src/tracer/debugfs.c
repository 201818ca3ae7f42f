// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/debug/tracer/probes: one line a probe. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "probe.h"

static struct dentry *directory;

static int probes_show(struct seq_file *m, void *v)
{
	tracer_probes_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(probes);

void tracer_debugfs_create(void)
{
	directory = debugfs_create_dir("tracer", NULL);
	debugfs_create_file("probes", 0444, directory, NULL, &probes_fops);
}

void tracer_debugfs_destroy(void)
{
	debugfs_remove(directory);
}
