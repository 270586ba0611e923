#!/usr/bin/env bash
# Measures the GPU path on one GPU machine: bench/run_pipeline.sh STAGE...
#   engines      builds all engines, JOBS (3) at once, BUILD_SECONDS (300) each at most; ONLY="demo_fp16 ..." builds these alone;
#                BUILD_FLAGS, e.g. "--module tensorrt_rtx_bindings --ahead-of-time SM89" to rehearse without a GPU
#   stages       GPU time from preprocessing to boxes against the engine alone, by stage, for every network
#   streams      frames a second and latency of 1 to 16 pipelines
#   priority     the front camera's latency under load
#   batch        many cameras as one batch against a stream each
#   costs        allocations over 1,000 frames, tracing on against off
#   ros          DDS in to DDS out, ROS_SECONDS for each of CASES (both: see bench/ros_cameras); PYTHON's environment has ROS
#   peers        torch eager and Ultralytics beside the same network here
#   merge        $WORK/parts (and MORE_PARTS, folders of earlier runs) into $OUT/pipeline.json, ros_cameras.json, peers.json
#   all          stages, streams, priority, batch, costs, peers, merge
# WORK: fast local disk; engines lie in $WORK/engines, those in ENGINES (engines.tgz.NN of an earlier run) are unpacked there.
# OUT: what is to be kept: kept.tgz after each stage and meanwhile, engines.tgz.NN after `engines`, the merged JSON.
# NETWORKS: folder of the ONNX files and, for `engines`, of their .calibration.json.
# PEERS: folder of yolov8n.pt, and of wheels for TORCH_PYTHON where it lacks any (Ultralytics).
# PYTHON: has TensorRT, cuda.core. TORCH_PYTHON: has torch, torchvision, OpenCV. COMMIT says the commit without a repository.
# STAND_IN=--stand-in rehearses without a GPU. SECONDS_EACH (1): of each measurement.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${WORK:?folder for engines and parts}" "${OUT:?folder for the results}"
PYTHON=${PYTHON:-python3} TORCH_PYTHON=${TORCH_PYTHON:-python3} NETWORKS=${NETWORKS:-$WORK/networks}
mkdir -p "$WORK/engines" "$WORK/parts" "$WORK/log" "$OUT"
export PYTHONUNBUFFERED=1 PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
DEMO=trt_perception/demo/model/demo_model.onnx

build() { # NAME MODEL PLAN LEVEL ARGUMENT...
  local name=$1 model=$2 plan=$3 level=$4 started=$SECONDS table
  table=$NETWORKS/$(basename "$model" .onnx).calibration.json
  [ "$plan" = fp16 ] || set -- "$@" --calibration "$table"
  if timeout "${BUILD_SECONDS:-300}" "$PYTHON" -m trt_perception.cli.main build "$model" --plan "$plan" \
    --optimization-level "$level" --out "$WORK/engines/$name.engine" "${@:5}" ${BUILD_FLAGS:-} >"$WORK/log/build_$name.txt" 2>&1; then
    echo "$name: $((SECONDS - started)) s, $(tr '\r' '\n' <"$WORK/log/build_$name.txt" | grep -E 'built in|current' | head -1)"
  else
    echo "$name: FAILED ($?) after $((SECONDS - started)) s: $(tail -3 "$WORK/log/build_$name.txt")"
  fi
}

engines() {
  local split=int8_backbone_fp16_head m=$NETWORKS/size_m.onnx name
  local one="--shape images=1x3x544x960 --shape detections=1x10710x12 --shape segmentation=1x3x136x240"
  local many="--profile images=1x3x544x960,8x3x544x960,16x3x544x960"
  # The slowest first. SiLU makes hundreds of kernels, which takes minutes above level 1.
  local jobs=(
    "yolov8n_fp16 $NETWORKS/yolov8n.onnx fp16 1"
    "nano_split $NETWORKS/nano.onnx $split 1 --labels config/labels/coco.yaml"
    "nano_fp16 $NETWORKS/nano.onnx fp16 1 --labels config/labels/coco.yaml"
    "size_m_split $m $split 2 $one"
    "demo_split $DEMO $split 2"
    "size_m_fp16 $m fp16 2 $one"
    "demo_fp16 $DEMO fp16 2"
    "demo_batch_fp16 $NETWORKS/demo.onnx fp16 2 $one $many"
  )
  for job in "${jobs[@]}"; do
    name=${job%% *}
    [ -z "${ONLY:-}" ] || [[ " $ONLY " = *" $name "* ]] || continue
    while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-3}" ]; do wait -n || true; done
    # shellcheck disable=SC2086 # a job is words
    build $job &
  done
  wait
  rm -f "$OUT"/engines.tgz.*
  tar -C "$WORK" --exclude='*.lock' -czf - engines | split -b 15M -d -a 2 - "$OUT/engines.tgz."
  ls -l "$WORK"/engines/*.engine
}

stage() { "$PYTHON" -m bench.pipeline --engines "$WORK/engines" --out "$WORK/parts" --seconds "${SECONDS_EACH:-1}" ${STAND_IN:-} "$@"; }
stages() { stage stages ${STAGES_FLAGS:-}; }
streams() { stage streams ${STREAMS_FLAGS:-}; }
priority() { stage priority ${PRIORITY_FLAGS:-}; }
batch() { stage batch ${BATCH_FLAGS:-}; }
costs() { stage costs ${COSTS_FLAGS:-}; }

ros() {
  "$PYTHON" -m bench.ros_cameras --engines "$WORK/engines" --out "$WORK/parts" ${STAND_IN:-} \
    ${CASES:+--cases $CASES} ${ROS_SECONDS:+--seconds "$ROS_SECONDS"} ${ROS_FLAGS:-}
}

peers() {
  local python folder=${PEERS:-$NETWORKS}
  # Another environment may stand first in PATH.
  for python in "$TORCH_PYTHON" $(type -ap python3); do
    if "$python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then break; fi
  done
  if compgen -G "$folder/*.whl" >/dev/null && [ ! -d "$WORK/site" ]; then
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$WORK/site" "$folder"/*.whl
  fi
  "$PYTHON" -m bench.peers --engines "$WORK/engines" --networks "$NETWORKS" --checkpoint "$folder/yolov8n.pt" \
    --torch-python "$python" --torch-path "$WORK/site" --out "$WORK/parts" --seconds "${SECONDS_EACH:-1}" \
    ${STAND_IN:-} ${PEERS_FLAGS:-}
}

merge() { "$PYTHON" -m bench.pipeline.merging ${MORE_PARTS:-} "$WORK/parts" --results "$OUT"; }

keep() {
  # A file that is being written makes tar say so; it is whole the next time.
  tar -czf "$OUT/.kept.$BASHPID" -C "$WORK" parts log || true
  mv "$OUT/.kept.$BASHPID" "$OUT/kept.tgz"
}

ALL=(stages streams priority batch costs peers merge)
wanted=()
for name in "${@:?stages: engines ros all ${ALL[*]}}"; do
  case $name in
    all) wanted+=("${ALL[@]}") ;;
    engines | stages | streams | priority | batch | costs | ros | peers | merge) wanted+=("$name") ;;
    *) echo "unknown stage '$name'; use engines, ros, all, ${ALL[*]}" >&2; exit 2 ;;
  esac
done
if [ -n "${ENGINES:-}" ]; then cat "$ENGINES"/engines.tgz.* | tar -xzf - -C "$WORK"; fi
# What is there when time runs out is kept, too.
(while sleep 20; do keep; done) &
trap "kill $! 2>/dev/null || true" EXIT
failed=()
for name in "${wanted[@]}"; do
  echo "=== $name at $(date +%T)"
  # In a shell of its own, so that `set -e` holds in it although its failure is looked at.
  set +e
  (set -e; "$name") 2>&1 | tee "$WORK/log/$name.txt"
  status=${PIPESTATUS[0]}
  set -e
  keep
  [ "$status" = 0 ] || { failed+=("$name"); echo "=== $name FAILED ($status)"; }
done
echo "=== done at $(date +%T); failed: ${failed[*]:-none}"
[ ${#failed[@]} = 0 ]
