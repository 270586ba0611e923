// Candidates among rows of logits of which the last means no object: each row's best class other than that.
// Defines: LOGIT and BOX, the tensors' types.
#include "decode/box_scan.cuh"
#include "decode/exponential.cuh"

constexpr int LANES = 8;  // for one row

extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
scan_softmax(const LOGIT* logits, const BOX* boxes, int rows, int columns, const Limits* limits, ScanRecord* records,
             u64* keys, int* class_ids) {
  constexpr int ROWS = SCAN_THREADS / LANES;
  __shared__ ScanRecord shared;
  Scan scan(&shared, keys + static_cast<size_t>(blockIdx.x) * ROWS);

  const int lane = threadIdx.x % LANES;
  const int row = blockIdx.x * ROWS + threadIdx.x / LANES;
  const LOGIT* values = logits + static_cast<size_t>(row) * columns;
  const int end = row < rows ? columns : 0;
  Best best;
  float largest = __int_as_float(0xff800000);
  u32 not_finite = 0;
  for (int column = lane; column < end; column += LANES) {
    const float value = to_float(values[column]);
    not_finite += !is_finite(value);
    largest = fmaxf(largest, value);
    if (column < columns - 1) best.offer(value, column);
  }
  scan.count_not_finite(0, not_finite);
  if (row < rows && lane < 4) scan.count_not_finite(1, !is_finite(to_float(boxes[static_cast<size_t>(row) * 4 + lane])));
  for (int distance = LANES / 2; distance; distance /= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
    const float value = __shfl_xor_sync(ALL_LANES, best.value, distance);
    const int class_id = __shfl_xor_sync(ALL_LANES, best.class_id, distance);
    best.merge(value, class_id);
  }
  float sum = 0.0f;
  for (int column = lane; column < end; column += LANES) sum += exponential(to_float(values[column]) - largest);
  for (int distance = LANES / 2; distance; distance /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, distance);

  if (lane == 0 && row < rows && best.class_id < columns - 1) {
    const float score = exponential(best.value - largest) / sum;
    if (score >= lowest_scores(limits)[best.class_id] && score > 0.0f) {
      class_ids[row] = best.class_id;
      scan.add(score, row);
    }
  }
  scan.close(records + blockIdx.x);
}
