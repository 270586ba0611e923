// The class of every image pixel from logits at a coarser resolution: logits_argmax.py in CUDA, to the bit.
//
// LOGIT: element type of the logits, float or Half.
// Two kernels: the first reads every logit once and leaves the class of each cell, which is all that most pixels need;
// the second goes back to the logits only for pixels between cells that differ.

#include "decode/element.cuh"
#include "decode/mask_axis.cuh"

#define UNLABELLED 255
#define ROWS 8  // of one thread in `logit_pixels`
#define ALL_LANES 0xffffffffu

// The class of each cell in a window of the grid, and how many logits of the whole grid are not finite.
// A block of 256 threads looks at 256 cells; `not_finite` has one count for each block. One class decides between 0
// and 1. Threads beyond the cells help to fill the table of the axes, which `logit_pixels` reads; none where their
// crop_px is 0.
extern "C" __global__ void __launch_bounds__(256) logit_cells(
    const LOGIT* __restrict__ logits, int classes, int height, int width, float border,
    int first_row, int first_column, int rows, int columns, unsigned char* __restrict__ cells,
    int* __restrict__ not_finite,
    AxisEntry* __restrict__ axes,
    int row_cells, int row_network_px, int row_start, int row_stop, int row_crop_px,
    int column_cells, int column_network_px, int column_start, int column_stop, int column_crop_px) {
  __shared__ int wrong;
  if (threadIdx.x == 0) wrong = 0;
  __syncthreads();
  const int cell = blockIdx.x * blockDim.x + threadIdx.x;
  const int count = height * width;
  if (cell < count) {
    float best = 0;
    int winner = 0, mine = 0;
#pragma unroll 8
    for (int index = 0; index < classes; ++index) {
      const float value = to_float(logits[(size_t)index * count + cell]) - border;
      mine += !is_finite(value);
      if (index == 0 || value > best) {
        best = value;
        winner = index;
      }
    }
    if (mine) atomicAdd(&wrong, mine);
    const int row = cell / width - first_row, column = cell % width - first_column;
    if (row >= 0 && row < rows && column >= 0 && column < columns) {
      cells[row * columns + column] = (unsigned char)(classes == 1 ? best > 0 : winner);
    }
  }
  const MaskAxis row_axis = {row_cells, row_network_px, row_start, row_stop, row_crop_px};
  const MaskAxis column_axis = {column_cells, column_network_px, column_start, column_stop, column_crop_px};
  write_axis_entry(axes, cell, row_axis, column_axis);
  __syncthreads();
  if (threadIdx.x == 0) not_finite[blockIdx.x] = wrong;
}

// The classes of those of a thread's rows that lie between the same four cells, in its column: bits `first` to `end`.
// Each logit is read once for all of them. Logits so huge that their differences are infinite may decide otherwise
// than in NumPy.
__device__ __forceinline__ void decide(
    const LOGIT* __restrict__ logits, int classes, int cells, float border, int upper, int lower,
    const AxisEntry& column, const float (&down)[ROWS], int first, int end, int (&winner)[ROWS]) {
  float best[ROWS];
#pragma unroll 4
  for (int index = 0; index < classes; ++index, logits += cells) {
    const float upper_west = to_float(logits[upper + column.low]) - border;
    const float upper_east = to_float(logits[upper + column.high]) - border;
    const float lower_west = to_float(logits[lower + column.low]) - border;
    const float lower_east = to_float(logits[lower + column.high]) - border;
    const float top = upper_west + column.weight * (upper_east - upper_west);
    const float bottom = lower_west + column.weight * (lower_east - lower_west);
    const float slope = bottom - top;
#pragma unroll
    for (int pair = 0; pair < ROWS; pair += 2) {
      if (pair + 2 <= first || pair >= end) continue;  // the same for all threads of a warp
#pragma unroll
      for (int k = pair; k < pair + 2; ++k) {
        const float value = top + down[k] * slope;
        if (k >= first && k < end && (index == 0 || value > best[k])) {
          best[k] = value;
          winner[k] = index;
        }
      }
    }
  }
  if (classes == 1) {
#pragma unroll
    for (int k = 0; k < ROWS; ++k) {
      if (k >= first && k < end) winner[k] = best[k] > 0;
    }
  }
}

// The class of every pixel of the image. A block of 32 x 8 threads makes 32 columns and 8 * ROWS rows; a warp's rows
// are the same, so it finds out once which of them lie between the same cells.
extern "C" __global__ void __launch_bounds__(256) logit_pixels(
    const LOGIT* __restrict__ logits, int classes, int height, int width, float border,
    const unsigned char* __restrict__ cells, const AxisEntry* __restrict__ axes,
    int crop_x, int crop_y, int crop_width, int crop_height,
    unsigned char* __restrict__ mask, int image_width, int image_height) {
  const int lane = threadIdx.x;
  const int x = blockIdx.x * 32 + lane, y = (blockIdx.y * 8 + threadIdx.y) * ROWS;
  AxisEntry row = {-1, -1, 0.0f, 0};  // of the warp's row `lane`; -1 outside of the crop
  if (lane < ROWS && y + lane >= crop_y && y + lane < crop_y + crop_height) row = axes[y + lane - crop_y];
  const int before = __shfl_up_sync(ALL_LANES, row.low, 1);
  const unsigned int starts = __ballot_sync(ALL_LANES, lane < ROWS && (lane == 0 || row.low != before));
  const bool sees = x >= crop_x && x < crop_x + crop_width;
  AxisEntry column = {};
  if (sees) column = axes[crop_height + x - crop_x];
  float down[ROWS];
  int winner[ROWS];
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    down[k] = __shfl_sync(ALL_LANES, row.weight, k);
    winner[k] = UNLABELLED;
  }
  for (unsigned int rest = starts; rest; rest &= rest - 1) {
    const int first = __ffs(rest) - 1;
    const unsigned int others = rest & (rest - 1);
    const int end = others ? __ffs(others) - 1 : ROWS;
    const int upper = __shfl_sync(ALL_LANES, row.low, first) * width;
    const int lower = __shfl_sync(ALL_LANES, row.high, first) * width;
    if (upper < 0 || !sees) continue;
    const unsigned char cell = cells[upper + column.low];
    // A class that is the largest in all four cells is the largest in any mixture of them.
    if (cell == cells[upper + column.high] && cell == cells[lower + column.low] && cell == cells[lower + column.high]) {
#pragma unroll
      for (int k = 0; k < ROWS; ++k) {
        if (k >= first && k < end) winner[k] = cell;
      }
    } else {
      decide(logits, classes, height * width, border, upper, lower, column, down, first, end, winner);
    }
  }
  if (x >= image_width) return;
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    if (y + k < image_height) mask[(size_t)(y + k) * image_width + x] = (unsigned char)winner[k];
  }
}
