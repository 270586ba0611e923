#!/usr/bin/env bash
# Makes the demo models on one GPU machine: training/run_on_gpu.sh STAGE...
#   dataset    pictures into $WORK/data                       (DATASET_SECONDS, default 240, and about 30 more)
#   train      RGB model into $WORK/rgb, results into $OUT      (TRAIN_SECONDS 400; BUDGET_SECONDS: of all runs together)
#   train_ir   RGB-IR model into $WORK/rgb_ir, likewise
#   evaluate   both ONNX files on other held-out drives, through ONNX Runtime, into $OUT
# WORK: fast local disk, 40 GB. OUT: what is to be kept; at most 8 files of 16 MiB.
# RESUME: folder of an earlier run's checkpoint.pt and optimizer.pt, for the train stage that is asked for.
# A folder .whl in the repository's root with wheels (onnx, pycocotools, pyyaml) is used where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${WORK:?folder for data and checkpoints}" "${OUT:?folder for the results}"
mkdir -p "$WORK" "$OUT"
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
if compgen -G '.whl/*.whl' >/dev/null; then
  [ -d "$WORK/site" ] ||
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$WORK/site" .whl/*.whl
  export PYTHONPATH=$PYTHONPATH:$WORK/site
fi

dataset() {
  python3 -m training.make_dataset --output "$WORK/data/held_out" --first-seed 9000 --drives "${HELD_OUT_DRIVES:-32}"
  python3 -m training.make_dataset --output "$WORK/data/train" --first-seed 1000 --seconds "${DATASET_SECONDS:-240}"
  du -sh "$WORK/data"
}

train_variant() {  # name of the variant, which is its folder's, too
  local run=$WORK/$1 resume=() budget=()
  mkdir -p "$run"
  if [ -n "${RESUME:-}" ]; then resume=(--resume "$RESUME"); elif [ -f "$run/checkpoint.pt" ]; then resume=(--resume "$run"); fi
  if [ -n "${BUDGET_SECONDS:-}" ]; then budget=(--budget "$BUDGET_SECONDS"); fi
  python3 -m training.train --data "$WORK/data/train" --held-out "$WORK/data/held_out" --output "$run" --variant "$1" \
    --seconds "${TRAIN_SECONDS:-400}" "${budget[@]}" "${resume[@]}" ${TRAIN_FLAGS:-} 2>&1 | tee -a "$run/train.log"
  cp -r "$run" "$OUT/"
}

evaluate() {
  local model
  for model in "$WORK"/rgb/demo_model.onnx "$WORK"/rgb_ir/demo_model_rgb_ir.onnx; do
    [ -f "$model" ] || continue
    python3 -m training.evaluate "$model" --output "$OUT/evaluation_$(basename "$model" .onnx).json"
  done
}

for stage in "${@:?stages: dataset train train_ir evaluate}"; do
  case $stage in
    dataset | evaluate) "$stage" ;;
    train) train_variant rgb ;;
    train_ir) train_variant rgb_ir ;;
    *) echo "unknown stage '$stage'; use dataset, train, train_ir or evaluate" >&2; exit 2 ;;
  esac
done
