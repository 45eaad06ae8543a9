#!/usr/bin/env bash
# A sweep on a Ray cluster of several machines, none of which needs the data or the model but the first.
#
#   on the first machine:  bash sweep.sh head
#   on each of the others: bash sweep.sh node FIRST          FIRST is the first machine's name or IP address
#   on the first machine:  bash sweep.sh bench --model onnx:pose.onnx --data coco --root coco --out runs/pose
#   on all, at the end:    bash sweep.sh stop                it ends ALL that you run with Ray on that machine, other clusters too
#
# All have the same versions of Python, robustpose and its libraries (pip install 'robustpose[ray]').
# Nodes may join while the bench goes on. PORT is that of the head.
# Whoever reaches that port can run code on all machines, unless they have the same ~/.ray/auth_token
# (ray get-auth-token --generate on the first makes it) and RAY_AUTH_MODE=token.
set -euo pipefail
PORT="${PORT:-6379}"
usage() { echo "usage: bash sweep.sh head | node FIRST | bench OPTIONS | stop" >&2; exit 2; }
what="${1:-}"
shift || true
case "$what" in
  head) ray start --head --port "$PORT" --include-dashboard false "$@" ;;
  node) [ $# -gt 0 ] || usage; ray start --address "$1:$PORT" "${@:2}" ;;
  bench) robustpose bench --engine "ray:${HEAD:-127.0.0.1}:$PORT" "$@" ;;
  stop) ray stop ;;
  *) usage ;;
esac
