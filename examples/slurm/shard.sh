#!/usr/bin/env bash
# One task of the array that sweep.sh submits: one shard of the run.
set -euo pipefail
# bench ends at SIGTERM with what is finished kept; exec lets it have the signal of a preemption.
# shellcheck disable=SC2086   # BENCH is several words
exec srun robustpose bench $BENCH --out "$OUT" --shard "$SLURM_ARRAY_TASK_ID/$SHARDS" --workers "${SLURM_CPUS_PER_TASK:-1}"
