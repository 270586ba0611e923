// The picture that results are drawn into: the frame as BGR, as color_image.py makes it.
//
// ENCODING, READS_WORDS: as frame_pixels.cuh.

#include "preprocess/frame_pixels.cuh"

#define ROWS 4  // of one thread

// uint8 (height, width, 3); blocks of 32 x 8 threads for 32 columns and 8 * ROWS rows.
extern "C" __global__ void __launch_bounds__(256) make_picture(
    const unsigned char* __restrict__ data, long long step, int width, int height,
    unsigned char* __restrict__ picture) {
  const int x = blockIdx.x * 32 + threadIdx.x;
  if (x >= width) return;
  const Image image = {data, step, width, height};
#pragma unroll
  for (int k = 0; k < ROWS; ++k) {
    const int y = (blockIdx.y * ROWS + k) * 8 + threadIdx.y;
    if (y >= height) return;
    const Pixel pixel = read_pixel(image, x, y);
    unsigned char* target = picture + 3 * ((size_t)y * width + x);
    for (int channel = 0; channel < 3; ++channel) target[channel] = (unsigned char)pixel.value[is_grey ? 0 : channel];
  }
}
