#!/bin/sh
# Loads files by several processes of this machine: load.sh PLAN PROCESSES ARGUMENTS-OF-OPEN...
# Run it again after any failure: it goes on where it stopped.
set -eu
plan=$1 processes=$2
shift 2

dataflow shards open "$plan" "$@"
# A shard that fails makes xargs, and so this script, fail in the end; the others are written.
dataflow shards status "$plan" --missing | xargs -r -n 1 -P "$processes" dataflow shards run "$plan"
dataflow shards publish "$plan"
