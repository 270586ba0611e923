// From the bytes of a frame to the input tensor in one pass: the colours of any encoding, crop, resize, padding, order
// of channels, normalisation, layout and type. No image in between.
//
// Every value is that of preprocess/image_preprocessor.py, which goes through OpenCV. Hence the integers: each stage is
// rounded to 8 bits where OpenCV rounds it. Compile with --fmad=false.
//
// A warp makes 32 neighbouring pixels of a row at a time, a pixel a thread, so that each of its reads covers
// neighbouring bytes and each of its writes one whole line of a plane. Where the pixels of a tile lie in the image is
// computed once a tile, in double as OpenCV does it: small GPUs have few units for that.
//
// Compile-time constants: ENCODING, READS_WORDS, RESIZE (see the headers), ORDER, LAYOUT (names of the enumerations
// below), ELEMENT_BYTES, PIXELS_PER_THREAD.
#include "preprocess/resized_pixel.cuh"

namespace {

enum class Order { rgb, bgr, mono };
enum class Layout { nchw, nhwc };

template <int bytes> struct ElementOf;
template <> struct ElementOf<1> { using Type = unsigned char; };
template <> struct ElementOf<2> { using Type = unsigned short; };
template <> struct ElementOf<4> { using Type = unsigned int; };
using Element = ElementOf<ELEMENT_BYTES>::Type;  // carried as bits; the table knows what they mean

constexpr Order order = Order::ORDER;
constexpr Layout layout = Layout::LAYOUT;
constexpr int tensor_channels = order == Order::mono ? 1 : 3;

constexpr int warp = 32;
constexpr int tile_width = warp * PIXELS_PER_THREAD;
constexpr int tile_height = 8;

__device__ inline int level_of(const Pixel& pixel, int channel) {
    if constexpr (is_grey) {
        return pixel.value[0];
    } else if constexpr (order == Order::mono) {
        // BT.601's weights of luma with OpenCV's factors of 2^-15.
        return (pixel.value[0] * 3735 + pixel.value[1] * 19235 + pixel.value[2] * 9798 + (1 << 14)) >> 15;
    } else {
        return pixel.value[order == Order::bgr ? channel : 2 - channel];
    }
}

struct Levels {
    int value[tensor_channels];
};

// The grey levels that a thread writes: its pixels of one row, 32 columns apart. All are read before one is written.
template <bool around>
__device__ inline void read_levels(
    const Image& image, const Span* columns, const Span& row, const Axis& across, const Axis& down,
    Levels (&levels)[PIXELS_PER_THREAD]) {
    for (int index = 0; index < PIXELS_PER_THREAD; ++index) {
        const Pixel pixel = resized<around>(image, columns[index * warp], row, across, down);
        for (int channel = 0; channel < tensor_channels; ++channel) {
            levels[index].value[channel] = level_of(pixel, channel);
        }
    }
}

// Channels of one pixel lie side by side: the warp's pixels are put in order in shared memory, to write whole lines.
__device__ inline void write_interleaved(
    const Levels& levels, const Element* table, Element* tensor, Element* line, long long at, int count) {
    const int lane = threadIdx.x;
    for (int channel = 0; channel < tensor_channels; ++channel) {
        line[lane * tensor_channels + channel] = __ldg(table + 256 * channel + levels.value[channel]);
    }
    __syncwarp();
    for (int index = lane; index < count * tensor_channels; index += warp) {
        tensor[at * tensor_channels + index] = line[index];
    }
    __syncwarp();
}

}  // namespace

extern "C" __global__ void __launch_bounds__(warp * tile_height) preprocess(
    const Byte* __restrict__ pixels, const Element* __restrict__ table, Element* __restrict__ tensor,
    long long step, int image_width, int image_height,
    int crop_x, int crop_y, int crop_width, int crop_height,
    int left, int top, int right, int bottom,  // what the image covers of the tensor
    int width, int height, int padding,
    double scale_x, double scale_y, double inverse_x, double inverse_y) {
    __shared__ Span columns[tile_width];
    __shared__ Span rows[tile_height];
    __shared__ Element lines[tile_height][warp * tensor_channels];

    const Image image = {pixels, step, image_width, image_height};
    const Axis across = {image_width, crop_x, crop_width, scale_x, inverse_x};
    const Axis down = {image_height, crop_y, crop_height, scale_y, inverse_y};
    const int lane = threadIdx.x;
    const int first_column = blockIdx.x * tile_width;
    const int first_row = blockIdx.y * tile_height;

    // Columns of the padding are read as the nearest of the image, and dropped: that costs less than to branch.
    const int thread = threadIdx.y * warp + lane;
    for (int index = thread; index < tile_width + tile_height; index += warp * tile_height) {
        if (index < tile_width) {
            locate<true>(min(max(first_column + index, left), right - 1) - left, across, columns[index]);
        } else {
            const int row = first_row + index - tile_width;
            locate<false>(min(max(row, top), bottom - 1) - top, down, rows[index - tile_width]);
        }
    }
    __syncthreads();

    const int row = first_row + threadIdx.y;
    if (row >= height) {
        return;
    }
    Levels levels[PIXELS_PER_THREAD] = {};
    const bool has_image = row >= top && row < bottom && first_column < right && first_column + tile_width > left;
    if (has_image) {
        const Span& span = rows[threadIdx.y];
        if (reads_around && !is_near_end(image, span)) {
            read_levels<reads_around>(image, columns + lane, span, across, down, levels);
        } else {
            read_levels<false>(image, columns + lane, span, across, down, levels);
        }
    }
    for (int index = 0; index < PIXELS_PER_THREAD; ++index) {
        const int begin = first_column + index * warp;
        const int column = begin + lane;
        if (!has_image || column < left || column >= right) {
            for (int channel = 0; channel < tensor_channels; ++channel) {
                levels[index].value[channel] = padding;
            }
        }
        const long long at = static_cast<long long>(row) * width + column;
        if constexpr (layout == Layout::nhwc && tensor_channels > 1) {
            write_interleaved(levels[index], table, tensor, lines[threadIdx.y], at - lane, min(width - begin, warp));
        } else if (column < width) {
            const long long plane = static_cast<long long>(width) * height;
            for (int channel = 0; channel < tensor_channels; ++channel) {
                tensor[channel * plane + at] = __ldg(table + 256 * channel + levels[index].value[channel]);
            }
        }
    }
}
