#!/bin/bash
# A sweep on the nodes that SLURM gives: sbatch sweeps/clusters/slurm.sh SWEEP [options of `xstilts run`]
#
# Starts Ray on the nodes of the job, waits until all have joined, runs the sweep on them, and ends everything. The
# store must be a folder that all nodes see, or a bucket. Before the time is up SLURM sends SIGTERM: the running phases
# keep a partial checkpoint and the job ends with 143. The same command again carries on; so does a chain of jobs, one
# after the other, of which those after the end of the sweep take seconds:
#   for i in 1 2 3; do sbatch --dependency=singleton sweeps/clusters/slurm.sh sweep.yaml; done
#
# xstilts is taken from PATH, or from the environment that XSTILTS_ENV names (default ~/xstilts-env where it is there).
# Change these lines for your nodes, or give sbatch the same options:
#SBATCH --job-name=xstilts
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --mem=64G
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --open-mode=append
set -euo pipefail
umask 077

if [ $# -eq 0 ]; then
  echo "give a sweep file: sbatch $0 SWEEP" >&2
  exit 2
fi
environment=${XSTILTS_ENV:-$HOME/xstilts-env}
if [ -d "$environment/bin" ]; then export PATH="$environment/bin:$PATH"; fi
for program in ray xstilts srun scontrol; do
  if ! command -v "$program" > /dev/null; then
    echo "$program is not on PATH; run this with sbatch, and name the environment of xstilts in XSTILTS_ENV" >&2
    exit 2
  fi
done

# Jobs that share a node must not take each other's ports.
port=$((20000 + SLURM_JOB_ID % 10000))
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
# The address that the other nodes reach this one by: not loopback, which some systems give their own name. With several
# networks, XSTILTS_SLURM_ADDRESS names the right one.
address=${XSTILTS_SLURM_ADDRESS:-$({ hostname --ip-address; hostname --all-ip-addresses; } 2> /dev/null |
  tr ' ' '\n' | grep '^[0-9.]*$' | grep -m 1 -v -e '^127\.' -e '^$' || true)}
if [ -z "$address" ]; then
  echo "this node has no address that others reach; give one in XSTILTS_SLURM_ADDRESS" >&2
  exit 2
fi

# The token is in a file that only you can read, in a folder that all nodes see; no command line has it.
private=${XSTILTS_SLURM_FOLDER:-$HOME/.xstilts}/slurm-$SLURM_JOB_ID
scratch=/tmp/xstilts-slurm-$SLURM_JOB_ID # on each node; Ray's sockets need a short path
mkdir -p "$private"
rm -f "$private/token" # of the same job before it was put back into the queue
xstilts cluster token "$private/token" > /dev/null
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$private/token"

cpus=${SLURM_CPUS_PER_TASK:-1}
started=()
sweep=
stopped=

# shellcheck disable=SC2317 # it is called, by the trap
end() {
  trap '' TERM INT
  if [ ${#started[@]} -gt 0 ]; then kill -TERM "${started[@]}" 2> /dev/null || true; fi
  for process in "${started[@]}"; do wait "$process" 2> /dev/null || true; done
  rm -rf "$private" "$scratch"
}
trap end EXIT
trap 'stopped=yes; if [ -n "$sweep" ]; then kill -TERM "$sweep" 2> /dev/null || true; else exit 143; fi' TERM INT

# Waits for the process `sweep` to its end; a signal ends `wait` before that, and the second one has the true code.
finish() {
  code=0
  wait "$sweep" || code=$?
  if [ -n "$stopped" ]; then
    local again=0
    wait "$sweep" 2> /dev/null || again=$?
    if [ "$again" -ne 127 ]; then code=$again; fi
  fi
  return "$code"
}

# The head is this node: the script runs on the first of them. The driver, the dashboard and `trial_slot`, which phases
# of several workers wait on, are here too.
mkdir -p "$scratch"
ulimit -n "$(ulimit -Hn)" || true
ray start --head --block --disable-usage-stats --node-ip-address="$address" --port="$port" \
  --num-cpus="$cpus" --resources='{"trial_slot": 64}' --temp-dir="$scratch/r" \
  --dashboard-host=127.0.0.1 --dashboard-port=$((port + 10000)) &
started+=($!)

# shellcheck disable=SC2016 # the words between single quotes are for the other node's shell
for node in "${nodes[@]:1}"; do
  srun --nodes=1 --ntasks=1 --nodelist="$node" --kill-on-bad-exit=0 bash -c '
    umask 077; mkdir -p "$1"; ulimit -n "$(ulimit -Hn)"; trap "kill \$ray; wait \$ray; rm -rf $1; exit" TERM
    ray start --block --address="$2" --num-cpus="$3" --disable-usage-stats & ray=$!; wait $ray' \
    worker "$scratch" "$address:$port" "$cpus" &
  started+=($!)
done

# All nodes, or none: a sweep on half the nodes would waste the others for its whole time.
python3 - "$address:$port" "${#nodes[@]}" "${XSTILTS_JOIN_SECONDS:-600}" << 'PYTHON' &
import sys
import time

import ray

address, wanted, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
until = time.monotonic() + seconds
joined = 0
while time.monotonic() < until:
    try:
        if not ray.is_initialized():
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        joined = sum(bool(node["Alive"]) for node in ray.nodes())
    except Exception:  # the head is not there yet
        joined = 0
    if joined >= wanted:
        print(f"{joined} of {wanted} nodes have joined", flush=True)
        sys.exit()
    time.sleep(1)
sys.exit(f"only {joined} of {wanted} nodes joined within {seconds:g} s; see what Ray said above")
PYTHON
sweep=$!
code=0
finish || exit "$code"

export RAY_ADDRESS="$address:$port"
xstilts run "$@" &
sweep=$!
finish || true
exit "$code"
