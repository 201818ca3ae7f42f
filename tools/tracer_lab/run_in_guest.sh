#!/bin/sh
# usage: run_in_guest.sh SHARE
# Runs SHARE/command inside the guest. All that the host will believe goes into files: what the
# command prints, the kernel log, and last of all its exit status.
share=$1
if [ -d /run/systemd/system ]; then
	# "running", or "degraded" if a unit failed.
	systemctl is-system-running --wait >"$share/boot.log" 2>&1
else
	# What an installed system does at boot, and virtme-ng's init leaves out.
	/lib/systemd/systemd-modules-load >"$share/boot.log" 2>&1
fi
udevadm settle >>"$share/boot.log" 2>&1
sh "$share/command" >"$share/output" 2>&1 </dev/null
status=$?
dmesg >"$share/kernel.log"
echo "$status" >"$share/status.unfinished"
sync
mv "$share/status.unfinished" "$share/status"
