#!/bin/sh
# Loads files by a job array: load.sh PLAN ARGUMENTS-OF-OPEN...
# PLAN, the configuration and the files are where every node finds them.
set -eu
plan=$1
shift

dataflow shards open "$plan" "$@"
shards=$(sed -n 's/^ *"shards": *\([0-9]*\),*$/\1/p' "$plan")
[ "$shards" -gt 0 ] || exit 0

# Eight shards at a time. A task that is requeued writes its shard once all the same.
array=$(sbatch --parsable --requeue --array="0-$((shards - 1))%8" --wrap "dataflow shards run '$plan' \$SLURM_ARRAY_TASK_ID")
sbatch --dependency="afterok:$array" --wrap "dataflow shards publish '$plan'"
