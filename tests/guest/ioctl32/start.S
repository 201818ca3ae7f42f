/* SPDX-License-Identifier: GPL-2.0-only */
/* Hands the initial stack to start() of ioctl32.c, which does not return. */
	.globl _start
_start:
	xorl %ebp, %ebp
	movl %esp, %eax
	andl $-16, %esp
	subl $12, %esp
	pushl %eax
	call start

	.section .note.GNU-stack, "", @progbits
