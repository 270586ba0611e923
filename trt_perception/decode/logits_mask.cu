// The class of every image pixel from logits at a coarser resolution: logits_argmax.py in CUDA, to the bit.
//
// LOGIT: element type of the logits, float or Half.
// Two kernels: the first reads every logit once and leaves the class of each cell, which is all that most pixels need;
// the second goes back to the logits only for pixels between cells that differ.

#include "decode/element.cuh"
#include "decode/mask_axis.cuh"

#define UNLABELLED 255
#define ROWS 8  // of one thread in `logit_pixels`
#define AHEAD 4  // classes whose logits are read before they are compared
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

// One class's logits on the line of a thread's column between four cells: above, and how it goes on down. Positions
// are 32 bits wide, which makes reading cheap: a tensor has fewer elements than that.
struct Slope {
  float top, rise;
};

struct Corners {
  unsigned int upper_west, upper_east, lower_west, lower_east;  // positions in a class's plane
};

__device__ __forceinline__ Slope slope_of(
    const LOGIT* __restrict__ logits, unsigned int plane, float border, const Corners& at, float across) {
  const float upper_west = to_float(logits[plane + at.upper_west]) - border;
  const float upper_east = to_float(logits[plane + at.upper_east]) - border;
  const float lower_west = to_float(logits[plane + at.lower_west]) - border;
  const float lower_east = to_float(logits[plane + at.lower_east]) - border;
  const float top = upper_west + across * (upper_east - upper_west);
  const float bottom = lower_west + across * (lower_east - lower_west);
  return {top, bottom - top};
}

// The classes of those of a thread's rows that lie between the same four cells, in its column: `first` to `end`. Each
// logit is read once for all of them, and several classes' before they are compared. Logits so huge that their
// differences are infinite may decide otherwise than in NumPy.
__device__ __forceinline__ void decide(
    const LOGIT* __restrict__ logits, int classes, unsigned int cells, float border, const Corners& at, float across,
    const float (&down)[ROWS], int first, int end, int (&winner)[ROWS]) {
  float best[ROWS];
#pragma unroll
  for (int k = 0; k < ROWS; ++k) best[k] = -__int_as_float(0x7f800000);
  for (int start = 0; start < classes; start += AHEAD) {
    Slope slopes[AHEAD];
#pragma unroll
    for (int ahead = 0; ahead < AHEAD; ++ahead) {
      const unsigned int index = min(start + ahead, classes - 1);  // the last again: it never beats itself
      slopes[ahead] = slope_of(logits, index * cells, border, at, across);
    }
#pragma unroll
    for (int pair = 0; pair < ROWS; pair += 2) {
      if (pair + 2 <= first || pair >= end) continue;  // the same for all threads of a warp
#pragma unroll
      for (int k = pair; k < pair + 2; ++k) {
        if (k < first || k >= end) continue;
#pragma unroll
        for (int ahead = 0; ahead < AHEAD; ++ahead) {
          const float value = slopes[ahead].top + down[k] * slopes[ahead].rise;
          if (value > best[k]) {
            best[k] = value;
            winner[k] = start + ahead;
          }
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
extern "C" __global__ void __launch_bounds__(256, 4) logit_pixels(
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
    const Corners at = {
        (unsigned int)(upper + column.low), (unsigned int)(upper + column.high), (unsigned int)(lower + column.low),
        (unsigned int)(lower + column.high)};
    const unsigned char cell = cells[at.upper_west];
    const bool is_alike = (cell == cells[at.upper_east]) & (cell == cells[at.lower_west]) &
                          (cell == cells[at.lower_east]);  // all four are read at once
    if (is_alike) {  // the largest in all four cells is the largest in any mixture of them
#pragma unroll
      for (int k = 0; k < ROWS; ++k) {
        if (k >= first && k < end) winner[k] = cell;
      }
    } else {
      decide(logits, classes, height * width, border, at, column.weight, down, first, end, winner);
    }
  }
  if (x >= image_width) return;
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    if (y + k < image_height) mask[(size_t)(y + k) * image_width + x] = (unsigned char)winner[k];
  }
}
