// Which cells of a head's output an image's pixels fall into: mask_grid.py in CUDA, with its docstrings.
#pragma once

// One pixel of one axis. `high` follows `low`, but at the last cell, which is repeated; `weight` is that of `high`.
struct alignas(16) AxisEntry {
  int low, high;
  float weight;
  int nearest;
};

struct MaskAxis {
  int cells, network_px, start, stop, crop_px;
};

__device__ inline AxisEntry axis_entry(const MaskAxis& axis, int pixel) {
  const long long unit = 2ll * axis.crop_px * axis.network_px;
  const long long network = (2ll * pixel + 1) * (axis.stop - axis.start) + 2ll * axis.crop_px * axis.start;
  const long long position = network * axis.cells;
  const long long last = (axis.cells - 1) * unit;
  long long from_centre = position - unit / 2;
  from_centre = from_centre < 0 ? 0 : from_centre > last ? last : from_centre;
  const long long low = from_centre / unit;
  const long long rest = from_centre - low * unit;
  AxisEntry entry;
  entry.low = (int)low;
  entry.high = min(entry.low + 1, axis.cells - 1);
  entry.weight = (float)((double)rest / (double)unit);
  entry.nearest = (int)(position / unit);
  return entry;
}

// Entry `index` of the rows' table and the columns' behind it. An axis of 0 pixels has none.
__device__ inline void write_axis_entry(AxisEntry* axes, int index, const MaskAxis& rows, const MaskAxis& columns) {
  if (index < rows.crop_px) {
    axes[index] = axis_entry(rows, index);
  } else if (index < rows.crop_px + columns.crop_px) {
    axes[index] = axis_entry(columns, index - rows.crop_px);
  }
}
