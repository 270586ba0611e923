// Candidates among rows of logits with a sigmoid each: every row times every class that reaches the lowest limit. What
// its own class's limit says comes later, since only as many as there are rows go on, whatever their class.
// Defines: LOGIT and BOX, the tensors' types.
#include "decode/box_scan.cuh"
#include "decode/exponential.cuh"

extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
scan_pairs(const LOGIT* logits, const BOX* boxes, int rows, int columns, const Limits* limits, ScanRecord* records,
           u64* keys) {
  __shared__ ScanRecord shared;
  Scan scan(&shared, keys + static_cast<size_t>(blockIdx.x) * SCAN_THREADS);

  const int index = blockIdx.x * SCAN_THREADS + threadIdx.x;
  if (index < 4 * rows) scan.count_not_finite(1, !is_finite(to_float(boxes[index])));
  if (index < rows * columns) {
    const float logit = to_float(logits[index]);
    scan.count_not_finite(0, !is_finite(logit));
    if (logit >= limits->least_logit) {
      const float score = 1.0f / (1.0f + exponential(-logit));
      if (score >= limits->least && score > 0.0f) scan.add(score, index);
    }
  }
  scan.close(records + blockIdx.x);
}
