// Candidates among columns of x y w h, class scores and whatever follows: neighbours in memory are neighbours here.
// Defines: VALUE, the tensor's type; EXTRA, that of a second output, of which nothing but being finite is asked.
#include "decode/box_scan.cuh"

constexpr int CELLS = 32;                      // of a block, one a lane
constexpr int PARTS = SCAN_THREADS / CELLS;    // one a warp, of the channels of each cell

extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
scan_columns(const VALUE* output, int channels, int cells, int classes, const EXTRA* extra, int extra_count,
             const Limits* limits, ScanRecord* records, u64* keys, int* class_ids) {
  __shared__ ScanRecord shared;
  __shared__ float values[PARTS][CELLS];
  __shared__ int best_classes[PARTS][CELLS];
  Scan scan(&shared, keys + static_cast<size_t>(blockIdx.x) * CELLS);

  const int cell = blockIdx.x * CELLS + threadIdx.x;
  const int cell_blocks = (cells + CELLS - 1) / CELLS;
  if (blockIdx.x >= cell_blocks) {
    scan.count_not_finite(1, not_finite_of(extra, extra_count, cell_blocks));
  } else if (cell < cells) {
    const int part = (channels + PARTS - 1) / PARTS;
    const int first = threadIdx.y * part;
    const int end = min(first + part, channels);
    Best best;
    u32 not_finite = 0;
#pragma unroll 8
    for (int channel = first; channel < end; ++channel) {
      const float value = to_float(output[static_cast<size_t>(channel) * cells + cell]);
      not_finite += !is_finite(value);
      if (channel >= 4 && channel < 4 + classes) best.offer(value, channel - 4);
    }
    scan.count_not_finite(0, not_finite);
    values[threadIdx.y][threadIdx.x] = best.value;
    best_classes[threadIdx.y][threadIdx.x] = best.class_id;
  }
  __syncthreads();
  if (threadIdx.y == 0 && cell < cells) {
    Best best;
    for (int part = 0; part < PARTS; ++part) best.merge(values[part][threadIdx.x], best_classes[part][threadIdx.x]);
    if (best.class_id < classes && best.value >= lowest_scores(limits)[best.class_id] && best.value > 0.0f) {
      class_ids[cell] = best.class_id;
      scan.add(best.value, cell);
    }
  }
  scan.close(records + blockIdx.x);
}
