// Masks as tints and boxes with their tags, drawn into a picture: annotate.py in CUDA.
//
// A thread owns its pixels from the first kernel to the last, so that order alone says what lies on top.

#include "kernels/common.cuh"

#define ROWS 4  // of one thread
#define THREADS 256

// One colour of a table: blue, green, red, and what applies to its class.
struct alignas(4) ClassStyle {
  u8 blue, green, red, flags;
};
#define IS_TINTED 1
#define IS_SHOWN 2
#define HAS_WHITE_TEXT 4

// A text rendered once: its coverage, 0 to 255, lies in `alpha` from `offset` on, `width` bytes a row; its first
// column lies MARGIN pixels before the point where it begins. Then what getTextSize says of it.
struct Text {
  int offset, width, advance, height, baseline;
};

__device__ __forceinline__ void blend(u8* target, const u8* __restrict__ table, ClassStyle colour) {
  target[0] = table[colour.blue << 8 | target[0]];
  target[1] = table[colour.green << 8 | target[1]];
  target[2] = table[colour.red << 8 | target[2]];
}

// Tints the picture, uint8 (height, width, 3). The mask covers the rectangle x, y, w, h of it, each pixel of which
// takes the mask's nearest (OpenCV's INTER_NEAREST). `class_ids` is null where the mask holds classes; where it holds
// objects, counted from 1, it has their classes. `table`: uint8 (256, 256), the mixture of a colour and a pixel.
extern "C" __global__ void __launch_bounds__(256) tint_mask(
    u8* __restrict__ picture, int width, int x, int y, int w, int h,
    const u8* __restrict__ mask, int mask_width, int mask_height, double step_x, double step_y,
    const int* __restrict__ count, const int* __restrict__ class_ids,
    const ClassStyle* __restrict__ styles, const u8* __restrict__ table) {
  const int column = blockIdx.x * 32 + threadIdx.x;
  if (column >= w) return;
  const int from_x = min((int)floor(column * step_x), mask_width - 1);
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    const int row = (blockIdx.y * ROWS + k) * 8 + threadIdx.y;
    if (row >= h) return;
    int value = mask[(size_t)min((int)floor(row * step_y), mask_height - 1) * mask_width + from_x];
    if (class_ids) {
      if (value == 0 || value > *count) continue;
      value = class_ids[value - 1];
    }
    // Tints of masks have 256 colours, however many classes there are.
    const ClassStyle style = styles[value & 255];
    if (styles[value].flags & IS_TINTED) blend(picture + 3 * ((size_t)(y + row) * width + x + column), table, style);
  }
}

struct Box {
  int left, top, right, bottom;          // the corners of its outline
  int tag_left, tag_right, tag_top, tag_bottom, base;
  int label, score;                      // positions of its texts
  ClassStyle style;
};

struct Sheet {
  const Text* labels;
  const Text* scores;  // from 0.00 to 1.00
  const u8* alpha;
  int rows, ascent, margin;
};

__device__ Box box_of(
    const float* __restrict__ sides, float score, int class_id, const ClassStyle* __restrict__ styles,
    const Sheet& sheet, int width) {
  Box box;
  box.style = styles[class_id];
  const int x1 = (int)rintf(sides[0]), y1 = (int)rintf(sides[1]);
  const int x2 = (int)rintf(sides[2]) - 1, y2 = (int)rintf(sides[3]) - 1;
  box.left = min(x1, x2);
  box.right = max(x1, x2);
  box.top = min(y1, y2);
  box.bottom = max(y1, y2);
  box.label = class_id;
  box.score = min(max((int)rint(100.0 * score), 0), 100);
  const Text label = sheet.labels[box.label], value = sheet.scores[box.score];
  const int advance = label.advance + value.advance, baseline = max(label.baseline, value.baseline);
  const int height = max(label.height, value.height) + baseline;
  box.tag_left = max(0, min(x1, width - advance));
  box.tag_right = box.tag_left + advance;
  box.tag_bottom = y1 >= height ? y1 : y1 + height;
  box.tag_top = box.tag_bottom - height;
  box.base = box.tag_bottom - baseline / 2 - 1;
  return box;
}

// Whether a box changes any pixel of a tile.
__device__ bool touches(const Box& box, const Sheet& sheet, int line, int x1, int y1, int x2, int y2) {
  const int text_top = box.base - sheet.ascent;
  const bool tag = box.tag_left - sheet.margin < x2 && box.tag_right + sheet.margin >= x1 &&
                   min(box.tag_top, text_top) < y2 && max(box.tag_bottom, text_top + sheet.rows - 1) >= y1;
  const bool near = box.left - line < x2 && box.right + line >= x1 && box.top - line < y2 && box.bottom + line >= y1;
  const bool within = box.left + line < x1 && box.right - line >= x2 && box.top + line < y1 && box.bottom - line >= y2;
  return tag || (near && !within);
}

// Sides as bars of 2 line + 1 pixels, corners as a disc: `cap`, uint8 (2 line + 1, 2 line + 1).
__device__ bool on_outline(const Box& box, const u8* __restrict__ cap, int line, int x, int y) {
  const int left = abs(x - box.left), right = abs(x - box.right), top = abs(y - box.top), bottom = abs(y - box.bottom);
  const int across = min(left, right), along = min(top, bottom);
  if (along <= line && x >= box.left && x <= box.right && box.left != box.right) return true;
  if (across <= line && y >= box.top && y <= box.bottom && box.top != box.bottom) return true;
  if (along > line || across > line) return false;
  // The disc is symmetric, and the nearest corner's reaches farthest.
  return cap[(along + line) * (2 * line + 1) + across + line] != 0;
}

// Puts ink on one pixel. `column` is counted from the point where the text begins, `row` from its line.
__device__ void write_text(u8 (&colour)[3], const Sheet& sheet, const Text& text, bool is_white, int column, int row) {
  column += sheet.margin;
  row += sheet.ascent;
  if (column < 0 || column >= text.width || row < 0 || row >= sheet.rows) return;
  const int alpha = sheet.alpha[text.offset + row * text.width + column];
  if (!alpha) return;
  const int ink = is_white ? 255 : 0;
  for (int channel = 0; channel < 3; ++channel) {
    colour[channel] = (u8)((colour[channel] * (255 - alpha) + ink * alpha + 127) / 255);
  }
}

// Draws the boxes into the picture, uint8 (height, width, 3), the best on top. Blocks of 32 x 8 threads for tiles of
// 32 columns and 8 * ROWS rows.
extern "C" __global__ void __launch_bounds__(256) draw_boxes(
    u8* __restrict__ picture, int width, int height,
    const int* __restrict__ count, const float* __restrict__ boxes, const float* __restrict__ scores,
    const int* __restrict__ class_ids, const ClassStyle* __restrict__ styles,
    const u8* __restrict__ cap, int line,
    const Text* __restrict__ label_texts, const Text* __restrict__ score_texts, const u8* __restrict__ alpha,
    int text_rows, int ascent, int margin) {
  __shared__ Box found[THREADS];
  __shared__ unsigned int touching[8];
  const Sheet sheet = {label_texts, score_texts, alpha, text_rows, ascent, margin};
  const int thread = threadIdx.y * 32 + threadIdx.x;
  const int left = blockIdx.x * 32, top = blockIdx.y * 8 * ROWS;
  const int x = left + threadIdx.x;
  u8 colours[ROWS][3];
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    const int y = top + 8 * k + threadIdx.y;
    if (x >= width || y >= height) continue;
    for (int channel = 0; channel < 3; ++channel) colours[k][channel] = picture[3 * ((size_t)y * width + x) + channel];
  }
  // From the last, which is the worst, to the first; `found` holds them in this order.
  for (int end = *count; end > 0; end -= THREADS) {
    const int index = end - 1 - thread;
    bool is_here = false;
    if (index >= 0) {
      const Box box = box_of(boxes + 4 * index, scores[index], class_ids[index], styles, sheet, width);
      is_here = box.style.flags & IS_SHOWN && touches(box, sheet, line, left, top, left + 32, top + 8 * ROWS);
      if (is_here) found[thread] = box;
    }
    const unsigned int bits = __ballot_sync(0xffffffffu, is_here);
    if (threadIdx.x == 0) touching[threadIdx.y] = bits;
    __syncthreads();
    for (int word = 0; word < 8; ++word) {
      for (unsigned int rest = touching[word]; rest; rest &= rest - 1) {
        const Box& box = found[word * 32 + __ffs(rest) - 1];
        const bool is_white = box.style.flags & HAS_WHITE_TEXT;
        const Text label = sheet.labels[box.label], score = sheet.scores[box.score];
#pragma unroll
        for (int k = 0; k < ROWS; ++k) {
          const int y = top + 8 * k + threadIdx.y;
          const bool in_tag = x >= box.tag_left && x <= box.tag_right && y >= box.tag_top && y <= box.tag_bottom;
          if (in_tag || on_outline(box, cap, line, x, y)) {
            colours[k][0] = box.style.blue;
            colours[k][1] = box.style.green;
            colours[k][2] = box.style.red;
          }
          write_text(colours[k], sheet, label, is_white, x - box.tag_left, y - box.base);
          write_text(colours[k], sheet, score, is_white, x - box.tag_left - label.advance, y - box.base);
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    const int y = top + 8 * k + threadIdx.y;
    if (x >= width || y >= height) continue;
    for (int channel = 0; channel < 3; ++channel) picture[3 * ((size_t)y * width + x) + channel] = colours[k][channel];
  }
}
