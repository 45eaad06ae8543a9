#!/usr/bin/env bash
# Train on several machines without a scheduler: run this on every one of them, at about the same time.
#
#   NODES=2 DEVICES=8 NODE=0 FIRST=node0 TRAIN="--recipe my.yaml" OUT=runs/net bash examples/torchrun/train.sh    # on node0
#   NODES=2 DEVICES=8 NODE=1 FIRST=node0 TRAIN="--recipe my.yaml" OUT=runs/net bash examples/torchrun/train.sh    # on node1
#
# FIRST is a name or an address of machine 0 that the others reach, at port 29500 or PORT. All see the same data and weights at
# the same paths, or at their own; OUT is written on machine 0 alone. When one has died, the same lines go on.
set -euo pipefail
: "${NODES:?how many machines}" "${DEVICES:?devices of each}" "${NODE:?number of this machine, from 0}"
: "${FIRST:?name or address of machine 0}" "${TRAIN:?what to train, as for robustpose train}" "${OUT:?run folder}"

# shellcheck disable=SC2086  # TRAIN holds several words
exec torchrun --nnodes "$NODES" --node-rank "$NODE" --nproc-per-node "$DEVICES" \
    --master-addr "$FIRST" --master-port "${PORT:-29500}" \
    -m robustpose train $TRAIN --out "$OUT" --nodes "$NODES" --devices "$DEVICES"
