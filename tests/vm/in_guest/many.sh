#!/bin/sh
# usage: many.sh N
# Starts N short processes, one after another.
n=0
while [ "$n" -lt "$1" ]; do
	/bin/true
	n=$((n + 1))
done
