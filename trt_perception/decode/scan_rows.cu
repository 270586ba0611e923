// Candidates among rows of x y w h, objectness where there is one, and class scores.
// Defines: VALUE, the tensor's type; HAS_OBJECTNESS; IS_OBJECTNESS_ALONE, where class scores have no say.
#include "decode/box_scan.cuh"

constexpr int LANES = 8;  // for one row: four rows of a warp at once, and each load still fills its sectors
constexpr int FIRST_CLASS = 4 + HAS_OBJECTNESS;

extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
scan_rows(const VALUE* output, int rows, int columns, const Limits* limits, ScanRecord* records,
          u64* keys, int* class_ids) {
  constexpr int ROWS = SCAN_THREADS / LANES;
  __shared__ ScanRecord shared;
  Scan scan(&shared, keys + static_cast<size_t>(blockIdx.x) * ROWS);

  const int lane = threadIdx.x % LANES;
  const int row = blockIdx.x * ROWS + threadIdx.x / LANES;
  Best best;
  float objectness = 0.0f;
  u32 not_finite = 0;
  if (row < rows) {
    const VALUE* values = output + static_cast<size_t>(row) * columns;
#pragma unroll 4
    for (int column = lane; column < columns; column += LANES) {
      const float value = to_float(values[column]);
      not_finite += !is_finite(value);
      if (column >= FIRST_CLASS) {
        best.offer(value, column - FIRST_CLASS);
      } else if (column == 4) {
        objectness = value;
      }
    }
  }
  for (int distance = LANES / 2; distance; distance /= 2) {
    const float value = __shfl_xor_sync(ALL_LANES, best.value, distance);
    const int class_id = __shfl_xor_sync(ALL_LANES, best.class_id, distance);
    best.merge(value, class_id);
  }
  objectness = __shfl_sync(ALL_LANES, objectness, 4, LANES);
  scan.count_not_finite(0, not_finite);

  const int classes = columns - FIRST_CLASS;
  if (IS_OBJECTNESS_ALONE) best.class_id = 0;
  if (lane == 0 && row < rows && best.class_id < classes) {
    const float score = IS_OBJECTNESS_ALONE ? objectness : HAS_OBJECTNESS ? objectness * best.value : best.value;
    // As the reference: objectness alone rules out a row, which matters where class scores are above 1.
    const bool is_hopeful = !HAS_OBJECTNESS || objectness >= limits->least;
    if (is_hopeful && score >= lowest_scores(limits)[best.class_id] && score > 0.0f) {
      class_ids[row] = best.class_id;
      scan.add(score, row);
    }
  }
  scan.close(records + blockIdx.x);
}
