#!/bin/sh
# usage: enter_root.sh ROOT POINT SHARE COMMAND...
# Runs COMMAND inside the root file system ROOT: as root, or, if SHARE is not empty, with the
# folder SHARE of the host mounted on its folder POINT and as the owner of SHARE. The caller
# gives it a mount and a PID namespace of its own (unshare), so nothing here needs an undo.
set -eu
root=$1 point=$2 share=$3
shift 3
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
user=0:0
if [ -n "$share" ]; then
	mount --bind "$share" "$root$point"
	user=$(stat --format=+%u:+%g "$share")
fi
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec chroot --userspec="$user" "$root" "$@"
