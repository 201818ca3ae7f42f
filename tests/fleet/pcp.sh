#!/bin/sh
# usage: pcp.sh ADDRESS PORT
# Has Performance Co-Pilot's agent openmetrics read a page, and prints what it then knows. PORT is for
# its daemon; whatever is started ends with the root file system's last process.
set -eu
export PMCD_PORT="$2" PMCD_LOCAL=1
cd /var/lib/pcp/pmdas/openmetrics
rm -f config.d/*
echo "$1" >config.d/tracer.url
install -d -o pcp -g pcp /run/pcp /var/log/pcp/pmcd
(cd /var/lib/pcp/pmns && ./Rebuild -s)
/usr/lib/pcp/bin/pmcd -f -A -l /tmp/pmcd.log &
until pminfo pmcd >/dev/null 2>&1; do sleep 0.2; done
./Install </dev/null
until pminfo openmetrics.tracer.tracer_up >/dev/null 2>&1; do sleep 0.2; done
pminfo -f openmetrics.tracer.tracer_up openmetrics.tracer.tracer_mutex_lock_calls_total
