#!/usr/bin/env bash
# Measures the engines on one GPU machine: bench/run_engines.sh STAGE...
#   networks     all ONNX files into $WORK, the sizes by torch                       (half a minute)
#   build        demo model and YOLOX-nano, meanwhile ranges of the sizes, then these;
#                JOBS (3) at once, given up after BUILD_SECONDS (240) each of the two times
#   accuracy     demo model on DRIVES (6), YOLOX-nano on NANO_DRIVES (2) drives of each condition (90 seconds)
#   real_images  YOLOX-nano on the images in IMAGES
#   speed        streams and batch sizes, SECONDS_EACH (0.5) each
#   layers       layers by region, profile of the largest network
#   torch        PyTorch eager
#   merge        $WORK/parts (and MORE_PARTS, folders of earlier runs) into $OUT/engines.json
#   all          all of them, in this order; a stage that fails does not keep the next from running
# $OUT/kept.tar.gz holds what there is after each stage, and meanwhile: parts, timing caches, manifests and cards of the engines.
# WORK: fast local disk. OUT: what is to be kept. TABLES: folder of demo_model.calibration.json and
# yolox_nano_coco.calibration.json, made by the stage `calibrate` below. NANO: YOLOX-nano's ONNX.
# PYTHON: has TensorRT, cuda.core, ONNX Runtime, pycocotools. TORCH_PYTHON: has torch and onnx.
#   calibrate    anywhere, no GPU: 500 pictures, ranges of both networks into TABLES (10 minutes on 2 cores)
# KEPT: an earlier kept.tar.gz, whose timing caches make builds shorter. BUILD_FLAGS: e.g. "--level size_l=2".
# A folder .whl in the repository's root with wheels for TORCH_PYTHON (onnx, pyyaml) is used where it is there.
# COMMIT says the commit where there is no repository. MAKER=stand_in rehearses without a GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${WORK:?folder for networks and engines}" "${OUT:?folder for the results}"
PYTHON=${PYTHON:-python3} TORCH_PYTHON=${TORCH_PYTHON:-python3} TABLES=${TABLES:-$WORK/tables}
mkdir -p "$WORK/networks" "$WORK/parts" "$WORK/timing" "$OUT"
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

engines() {
  "$PYTHON" -m bench.engines --work "$WORK" --out "$WORK/parts" --maker "${MAKER:-tensorrt}" "$@"
}

with_torch() {
  if compgen -G '.whl/*.whl' >/dev/null && [ ! -d "$WORK/site" ]; then
    "$TORCH_PYTHON" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$WORK/site" .whl/*.whl
  fi
  OMP_NUM_THREADS=$(nproc) PYTHONPATH=$PYTHONPATH:$WORK/site "$TORCH_PYTHON" "$@"
}

calibrate() {
  mkdir -p "$TABLES"
  engines calibration-pictures "$WORK/calibration"
  local model
  for model in trt_perception/demo/model/demo_model.onnx "${NANO:?ONNX of YOLOX-nano}"; do
    "$PYTHON" -m trt_perception.cli.main calibrate "$model" "$WORK"/calibration/drive_* --frames 500 \
      --no-cache --overwrite --out "$TABLES/$(basename "$model" .onnx).calibration.json"
  done
}

networks() {
  local sizes=()
  for size in ${SIZES-S M L}; do
    [ -f "$WORK/networks/size_${size,,}.onnx" ] || sizes+=("$size")
  done
  if [ ${#sizes[@]} -gt 0 ]; then
    with_torch -m training.make_sizes --output "$WORK/networks" --sizes "${sizes[@]}" --dynamic-batch
  fi
  local nano=()
  if [ -n "${NANO:-}" ]; then nano=(--nano "$NANO" --nano-table "$TABLES/yolox_nano_coco.calibration.json"); fi
  engines networks --demo-table "$TABLES/demo_model.calibration.json" "${nano[@]}"
}

build() {
  if [ -n "${KEPT:-}" ]; then tar -xzf "$KEPT" -C "$WORK" timing; fi
  local name trained=() random=()
  for name in nano demo size_l size_m size_s; do
    [ -f "$WORK/networks/$name.onnx" ] || continue
    case $name in size_*) random+=("$name") ;; *) trained+=("$name") ;; esac
  done
  engines build "${trained[@]}" --jobs "${JOBS:-3}" --longest "${BUILD_SECONDS:-240}" ${BUILD_FLAGS:-} &
  local trained_builds=$!
  if [ ${#random[@]} -gt 0 ]; then
    engines calibrate-sizes ${CALIBRATE_FLAGS:-}
    engines build "${random[@]}" --jobs "${JOBS:-3}" --longest "${BUILD_SECONDS:-240}" ${BUILD_FLAGS:-}
  fi
  wait "$trained_builds"
}

accuracy() {
  engines accuracy demo --drives "${DRIVES:-6}" ${ACCURACY_FLAGS:-}
  if [ -f "$WORK/networks/nano.onnx" ]; then
    engines accuracy nano --drives "${NANO_DRIVES:-2}" ${ACCURACY_FLAGS:-}
  fi
}

real_images() {
  engines real-images "${IMAGES:?folder of real images}"
}

speed() {
  local name
  for name in size_l demo size_m size_s nano; do
    [ -f "$WORK/networks/$name.onnx" ] || continue
    engines speed "$name" --seconds "${SECONDS_EACH:-0.5}" ${SPEED_FLAGS:-}
  done
}

layers() {
  engines layers ${LAYERS_FLAGS:-}
}

torch() {
  with_torch -m bench.engines.torch_eager --out "$WORK/parts" ${TORCH_FLAGS:-}
}

keep() {
  local files=()
  mapfile -t files < <(cd "$WORK" && find parts timing engines -type f ! -name '*.engine' ! -name '*.lock' 2>/dev/null)
  [ ${#files[@]} -gt 0 ] || return 0
  # A file that is being written makes tar say so; it is whole the next time.
  tar -czf "$OUT/.kept.$BASHPID" -C "$WORK" "${files[@]}" || true
  mv "$OUT/.kept.$BASHPID" "$OUT/kept.tar.gz"
}

merge() {
  engines merge ${MORE_PARTS:-} "$WORK/parts" --results "$OUT"
}

ALL=(networks build accuracy real_images speed layers torch merge)
stages=()
for stage in "${@:?stages: calibrate all ${ALL[*]}}"; do
  case $stage in
    all) stages+=("${ALL[@]}") ;;
    calibrate | networks | build | accuracy | real_images | speed | layers | torch | merge) stages+=("$stage") ;;
    *) echo "unknown stage '$stage'; use calibrate, all, ${ALL[*]}" >&2; exit 2 ;;
  esac
done
# What is there when time runs out is kept, too.
(while sleep 20; do keep; done) &
trap "kill $! 2>/dev/null || true" EXIT
failed=()
for stage in "${stages[@]}"; do
  echo "=== $stage at $(date +%T)"
  # In a shell of its own, so that `set -e` holds in it although its failure is looked at.
  set +e
  (set -e; "$stage")
  status=$?
  set -e
  keep
  [ "$status" = 0 ] || { failed+=("$stage"); echo "=== $stage FAILED ($status)"; }
done
echo "=== done at $(date +%T); failed: ${failed[*]:-none}"
[ ${#failed[@]} = 0 ]
