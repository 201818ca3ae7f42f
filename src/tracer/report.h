/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/tracer. */
#ifndef TRACER_REPORT_H
#define TRACER_REPORT_H

/* Return: 0 or -ENOMEM, said in the kernel log. */
int tracer_report_create(void);
void tracer_report_destroy(void);

#endif /* TRACER_REPORT_H */
