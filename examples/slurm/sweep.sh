#!/usr/bin/env bash
# One bench, cut into shards: an array job does the shards, a second job merges them once all have ended well.
#
#   BENCH="--model onnx:pose.onnx --annotations people.json --images images" OUT=runs/pose bash sweep.sh
#
# A shard whose node fails, or that is preempted, is queued again and goes on where it was. If one fails otherwise, the
# merge is cancelled. Submitted again as a whole, with the same SHARDS, the sweep makes what is missing and nothing else.
set -euo pipefail

BENCH=${BENCH:?"set BENCH to what bench is told, without --out, --shard and --fail-under"}
OUT=${OUT:?"set OUT to the folder of the run, on a file system that all nodes see"}
SHARDS=${SHARDS:-32}          # parts of the run: a few for each node that you can have
CPUS=${CPUS:-8}               # of a shard
SBATCH=${SBATCH:-}            # more options for both jobs, such as "--time=4:00:00 --mem=8G --account=me"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

mkdir -p logs                 # not in $OUT, which holds the run alone
export BENCH OUT SHARDS
# shellcheck disable=SC2086   # SBATCH is several words
array=$(sbatch --parsable --job-name=shards --array="1-$SHARDS" --cpus-per-task="$CPUS" --requeue \
    --output=logs/%x-%A-%a.txt $SBATCH "$HERE/shard.sh")
# shellcheck disable=SC2086
sbatch --job-name=merge --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes --cpus-per-task="$CPUS" --requeue \
    --output=logs/%x-%j.txt $SBATCH "$HERE/merge.sh"
