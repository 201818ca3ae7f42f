#!/bin/sh
# usage: enter_root.sh ROOT POINT SHARE COMMAND...
# Runs COMMAND inside the root file system ROOT, with the folder SHARE of the host mounted on
# its folder POINT unless SHARE is empty. The caller gives it a mount and a PID namespace of
# its own (unshare), so nothing here needs an undo.
set -eu
root=$1 point=$2 share=$3
shift 3
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
[ -z "$share" ] || mount --bind "$share" "$root$point"
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec chroot "$root" "$@"
