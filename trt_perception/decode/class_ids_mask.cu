// The mask of a head that decides itself: semantic_class_ids_decoder.py in CUDA.
//
// ID: element type of the ids: Int64, int, Uint8 or Int8.

#include "decode/element.cuh"
#include "decode/mask_axis.cuh"

#define UNLABELLED 255
#define CELLS 4  // of one thread in `id_cells`
#define ROWS 8   // of one thread in `id_pixels`
#define NONE 0x7fffffff

// The ids of a window of the grid as bytes, and the first of them that is no class.
// A block of 256 threads looks at 256 * CELLS cells and leaves the position of its first foreign id in the window, or
// NONE, and its value. As in `logit_cells`, threads fill the table of the axes.
extern "C" __global__ void __launch_bounds__(256) id_cells(
    const ID* __restrict__ ids, int width, int classes,
    int first_row, int first_column, int rows, int columns, unsigned char* __restrict__ cells,
    int* __restrict__ foreign_at, long long* __restrict__ foreign,
    AxisEntry* __restrict__ axes,
    int row_cells, int row_network_px, int row_start, int row_stop, int row_crop_px,
    int column_cells, int column_network_px, int column_start, int column_stop, int column_crop_px) {
  __shared__ int first;
  if (threadIdx.x == 0) first = NONE;
  __syncthreads();
  const int start = blockIdx.x * blockDim.x * CELLS + threadIdx.x;
  int mine = NONE;
  long long value = 0;
#pragma unroll
  for (int k = 0; k < CELLS; ++k) {
    const int cell = start + k * blockDim.x;
    if (cell >= rows * columns) break;
    const long long id =
        (long long)ids[(size_t)(first_row + cell / columns) * width + first_column + cell % columns];
    cells[cell] = (unsigned char)id;
    if (mine == NONE && (id < 0 || id >= classes) && id != UNLABELLED) {
      mine = cell;
      value = id;
    }
  }
  if (mine != NONE) atomicMin(&first, mine);
  const MaskAxis row_axis = {row_cells, row_network_px, row_start, row_stop, row_crop_px};
  const MaskAxis column_axis = {column_cells, column_network_px, column_start, column_stop, column_crop_px};
#pragma unroll
  for (int k = 0; k < CELLS; ++k) write_axis_entry(axes, start + k * blockDim.x, row_axis, column_axis);
  __syncthreads();
  if (threadIdx.x == 0) foreign_at[blockIdx.x] = first;
  if (mine != NONE && mine == first) foreign[blockIdx.x] = value;
}

// The class of every pixel of the image: that of the cell it lies in; blocks of 32 x 8 threads for 32 columns and
// 8 * ROWS rows. `cells` is the window that begins at first_row and first_column and has so many columns.
extern "C" __global__ void __launch_bounds__(256) id_pixels(
    const unsigned char* __restrict__ cells, int first_row, int first_column, int columns,
    const AxisEntry* __restrict__ axes,
    int crop_x, int crop_y, int crop_width, int crop_height,
    unsigned char* __restrict__ mask, int image_width, int image_height) {
  const int x = blockIdx.x * 32 + threadIdx.x;
  if (x >= image_width) return;
  const int first = (blockIdx.y * 8 + threadIdx.y) * ROWS;
  const bool sees = x >= crop_x && x < crop_x + crop_width;
  int column = 0;
  if (sees) column = axes[crop_height + x - crop_x].nearest - first_column;
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    const int y = first + k;
    if (y >= image_height) return;
    unsigned char id = UNLABELLED;
    if (sees && y >= crop_y && y < crop_y + crop_height) {
      id = cells[(axes[y - crop_y].nearest - first_row) * columns + column];
    }
    mask[(size_t)y * image_width + x] = id;
  }
}
