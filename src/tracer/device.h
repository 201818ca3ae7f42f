/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/tracer, whose requests are in tracer.h. */
#ifndef TRACER_DEVICE_H
#define TRACER_DEVICE_H

/*
 * Return: 0, or a negative errno said in the kernel log: -EBUSY if another
 * driver has the minor number.
 */
int tracer_device_register(void);
void tracer_device_unregister(void);

#endif /* TRACER_DEVICE_H */
