#!/bin/sh
# usage: start_qemu.sh OPTION...
# What autopkgtest starts in place of QEMU. It asks for KVM wherever there is a /dev/kvm, though no
# guest may get through a boot with it, and leaves it to the disk to have a boot loader. Instead
# the guest gets the lab's accelerator, processor, kernel, initramfs and arguments for the kernel.
set -eu
left=$#
while [ "$left" -gt 0 ]; do
	case $1 in
	-enable-kvm) ;;
	-cpu)
		shift
		left=$((left - 1))
		;;
	*) set -- "$@" "$1" ;;
	esac
	shift
	left=$((left - 1))
done
exec qemu-system-x86_64 "$@" -accel "$LAB_ACCEL" -cpu "$LAB_CPU" -no-reboot \
	-kernel "$LAB_KERNEL" -initrd "$LAB_INITRAMFS" -append "$LAB_ARGUMENTS"
