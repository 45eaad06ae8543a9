#!/usr/bin/env bash
# The job behind the array that sweep.sh submits: the shards become one run. GATES are bounds, such as mPC=0.30.
set -euo pipefail
exec srun robustpose merge "$OUT" --workers "${SLURM_CPUS_PER_TASK:-1}" ${GATES:+--fail-under "$GATES"}
