// Which object each pixel belongs to: instance_mask.py in CUDA.
//
// COEFFICIENT, PROTOTYPE: element types of the two outputs, float or Half.

#include "decode/element.cuh"
#include "decode/mask_axis.cuh"

#define MAX_INSTANCES 255
#define MAX_ROWS 8  // of one thread in `paint_instances`

// Fills the table of the axes, as MaskAxis.bilinear but among the cells first to last, which hold some of the image;
// clears the flag of masks that overflow.
extern "C" __global__ void __launch_bounds__(256) instance_axes(
    AxisEntry* __restrict__ axes, int* __restrict__ overflows,
    int row_cells, int row_network_px, int row_start, int row_stop, int row_crop_px, int first_row, int last_row,
    int column_cells, int column_network_px, int column_start, int column_stop, int column_crop_px,
    int first_column, int last_column) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index == 0) *overflows = 0;
  const MaskAxis rows = {row_cells, row_network_px, row_start, row_stop, row_crop_px};
  const MaskAxis columns = {column_cells, column_network_px, column_start, column_stop, column_crop_px};
  if (index >= rows.crop_px + columns.crop_px) return;
  write_axis_entry(axes, index, rows, columns);
  const int first = index < rows.crop_px ? first_row : first_column;
  const int last = index < rows.crop_px ? last_row : last_column;
  axes[index].low = min(max(axes[index].low, first), last);
  axes[index].high = min(max(axes[index].high, first), last);
}

// First pixel at or after a box's side: (side - origin) / scale + offset in network pixels, then in cells from `start`;
// scale 1, offset 0, cells 1 and start 0 leave pixels of the crop.
__device__ inline int edge(
    float side, double origin, double scale, double offset, double cells, double start, int limit) {
  const double at = ceil((((double)side - origin) / scale + offset) * cells - start);
  return (int)fmin(fmax(at, 0.0), (double)limit);
}

// The number of the object of every pixel, 0 for none. A block of 32 x 8 threads paints tile_width x tile_height
// pixels, at most 32 x 8 * MAX_ROWS; its dynamic shared memory holds the cells between which the tile's pixels lie.
// Cells that no pixel lies between are not looked at. The canvas is the image; the crop lies in it. Where boxes are
// in cells, the canvas is the part of the grid that holds the image, and the crop all of it.
extern "C" __global__ void __launch_bounds__(256) paint_instances(
    const int* __restrict__ box_count, const float* __restrict__ boxes, const int* __restrict__ positions,
    const COEFFICIENT* __restrict__ coefficients, int candidates, int first_coefficient, int masks,
    const PROTOTYPE* __restrict__ prototypes, int height, int width,
    const AxisEntry* __restrict__ axes, int crop_x, int crop_y, int crop_width, int crop_height,
    double origin_x, double scale_x, double offset_x, double cells_x, double start_x,
    double origin_y, double scale_y, double offset_y, double cells_y, double start_y,
    int tile_width, int tile_height,
    unsigned char* __restrict__ canvas, int canvas_width, int canvas_height, int* __restrict__ overflows) {
  extern __shared__ float values[];
  __shared__ int4 edges[256];  // x1 y1 x2 y2 of the part of each object in the tile, in pixels of the crop
  __shared__ unsigned int touching[8];
  const int thread = threadIdx.y * 32 + threadIdx.x;
  const int left = blockIdx.x * tile_width - crop_x, top = blockIdx.y * tile_height - crop_y;
  const int right = min(left + tile_width, crop_width), bottom = min(top + tile_height, crop_height);
  bool touches = false;
  if (thread < min(*box_count, MAX_INSTANCES)) {
    const float* box = boxes + 4 * thread;
    int4 part;
    part.x = max(edge(box[0], origin_x, scale_x, offset_x, cells_x, start_x, crop_width), left);
    part.y = max(edge(box[1], origin_y, scale_y, offset_y, cells_y, start_y, crop_height), top);
    part.z = min(edge(box[2], origin_x, scale_x, offset_x, cells_x, start_x, crop_width), right);
    part.w = min(edge(box[3], origin_y, scale_y, offset_y, cells_y, start_y, crop_height), bottom);
    touches = part.x < part.z && part.y < part.w;
    edges[thread] = part;
  }
  const unsigned int found = __ballot_sync(0xffffffffu, touches);
  if (threadIdx.x == 0) touching[threadIdx.y] = found;
  __syncthreads();

  const AxisEntry* columns = axes + crop_height;
  const int x = left + threadIdx.x;
  unsigned char owner[MAX_ROWS] = {};
  for (int word = 0; word < 8; ++word) {
    for (unsigned int rest = touching[word]; rest; rest &= rest - 1) {
      const int object = word * 32 + __ffs(rest) - 1;
      const int4 part = edges[object];
      const int first_row = axes[part.y].low, rows = axes[part.w - 1].high + 1 - first_row;
      const int first_column = columns[part.x].low, wide = columns[part.z - 1].high + 1 - first_column;
      const COEFFICIENT* mix = coefficients + (size_t)first_coefficient * candidates + positions[object];
      for (int cell = thread; cell < rows * wide; cell += 256) {
        const PROTOTYPE* plane = prototypes + (first_row + cell / wide) * width + first_column + cell % wide;
        float sum = 0;
#pragma unroll 8
        for (int k = 0; k < masks; ++k) {
          sum += to_float(mix[(size_t)k * candidates]) * to_float(plane[(size_t)k * height * width]);
        }
        if (!is_finite(sum)) *overflows = 1;
        values[cell] = sum;
      }
      __syncthreads();
      if (x >= part.x && x < part.z) {
        const AxisEntry column = columns[x];
        const int west = column.low - first_column, east = column.high - first_column;
#pragma unroll
        for (int k = 0; k < MAX_ROWS; ++k) {
          const int y = top + (int)threadIdx.y + 8 * k;
          if (y < part.y || y >= part.w || owner[k]) continue;
          const AxisEntry row = axes[y];
          const float* upper = values + (row.low - first_row) * wide;
          const float* lower = values + (row.high - first_row) * wide;
          const float above = upper[west] + column.weight * (upper[east] - upper[west]);
          const float below = lower[west] + column.weight * (lower[east] - lower[west]);
          if (above + row.weight * (below - above) > 0) owner[k] = (unsigned char)(object + 1);
        }
      }
      __syncthreads();
    }
  }
  const int canvas_x = x + crop_x;
  if ((int)threadIdx.x >= tile_width || canvas_x >= canvas_width) return;
#pragma unroll
  for (int k = 0; k < MAX_ROWS; ++k) {
    const int row = threadIdx.y + 8 * k, y = top + crop_y + row;
    if (row < tile_height && y < canvas_height) canvas[(size_t)y * canvas_width + canvas_x] = owner[k];
  }
}
