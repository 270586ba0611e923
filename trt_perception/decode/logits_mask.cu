// The class of every image pixel from logits at a coarser resolution: logits_argmax.py in CUDA, to the bit.
//
// LOGIT: element type of the logits, float or Half.
// Two kernels: the first reads every logit once and leaves the class of each cell, which is all that most pixels need;
// the second goes back to the logits only for pixels between cells that differ.

#include "decode/element.cuh"
#include "decode/mask_axis.cuh"

#define UNLABELLED 255
#define ROWS 8  // of one thread in `logit_pixels`

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

// NumPy's order, in which NaN is the largest: differences of huge logits make one.
__device__ inline bool beats(float value, float best) { return best == best && !(value <= best); }

// The pixels of `count` rows that lie between the same four cells, in one column: the logits are read once for all.
__device__ void decide(
    const LOGIT* __restrict__ logits, int classes, int height, int width, float border,
    const AxisEntry* __restrict__ rows, const AxisEntry& column, int count, unsigned char* mask, int pitch) {
  float down[ROWS], best[ROWS];
  int winner[ROWS];
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    down[k] = k < count ? rows[k].weight : 0.0f;
    best[k] = 0;
    winner[k] = 0;
  }
  const size_t upper = (size_t)rows[0].low * width, lower = (size_t)rows[0].high * width;
  for (int index = 0; index < classes; ++index, logits += (size_t)height * width) {
    const float upper_west = to_float(logits[upper + column.low]) - border;
    const float upper_east = to_float(logits[upper + column.high]) - border;
    const float lower_west = to_float(logits[lower + column.low]) - border;
    const float lower_east = to_float(logits[lower + column.high]) - border;
    const float top = upper_west + column.weight * (upper_east - upper_west);
    const float bottom = lower_west + column.weight * (lower_east - lower_west);
    const float slope = bottom - top;
#pragma unroll
    for (int k = 0; k < ROWS; ++k) {
      const float value = top + down[k] * slope;
      if (index == 0 || beats(value, best[k])) {
        best[k] = value;
        winner[k] = index;
      }
    }
  }
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    if (k < count) mask[(size_t)k * pitch] = (unsigned char)(classes == 1 ? best[k] > 0 : winner[k]);
  }
}

// The class of every pixel of the image; blocks of 32 x 8 threads for 32 columns and 8 * ROWS rows.
extern "C" __global__ void __launch_bounds__(256) logit_pixels(
    const LOGIT* __restrict__ logits, int classes, int height, int width, float border,
    const unsigned char* __restrict__ cells, const AxisEntry* __restrict__ axes,
    int crop_x, int crop_y, int crop_width, int crop_height,
    unsigned char* __restrict__ mask, int image_width, int image_height) {
  const int x = blockIdx.x * 32 + threadIdx.x;
  if (x >= image_width) return;
  const int first = (blockIdx.y * 8 + threadIdx.y) * ROWS;
  const int end = min(first + ROWS, image_height);
  const bool sees = x >= crop_x && x < crop_x + crop_width;
  const int crop_end = min(end, crop_y + crop_height);
  AxisEntry column = {};
  if (sees) column = axes[crop_height + x - crop_x];
  for (int y = first; y < end;) {
    unsigned char* target = mask + (size_t)y * image_width + x;
    if (!sees || y < crop_y || y >= crop_end) {
      *target = UNLABELLED;
      ++y;
      continue;
    }
    const AxisEntry* rows = axes + (y - crop_y);
    const AxisEntry row = rows[0];
    int count = 1;
    while (y + count < crop_end && rows[count].low == row.low) ++count;
    const unsigned char cell = cells[row.low * width + column.low];
    // A class that is the largest in all four cells is the largest in any mixture of them.
    if (cell == cells[row.low * width + column.high] && cell == cells[row.high * width + column.low] &&
        cell == cells[row.high * width + column.high]) {
      for (int k = 0; k < count; ++k) target[(size_t)k * image_width] = cell;
    } else {
      decide(logits, classes, height, width, border, rows, column, count, target, image_width);
    }
    y += count;
  }
}
