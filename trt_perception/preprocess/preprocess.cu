// From the bytes of a frame to the input tensor in one pass: the colours of any encoding, crop, resize, padding, order of
// channels, normalisation, layout and type. No image in between.
//
// Every value is that of preprocess/image_preprocessor.py, which goes through OpenCV. Hence the integers: YUV, grey and
// bilinear weights in OpenCV's fixed point, each stage rounded to 8 bits where OpenCV rounds it. Compile with --fmad=false.
//
// A warp makes 32 neighbouring pixels of a row at a time, a pixel a thread, so that each of its reads covers neighbouring
// bytes and each of its writes one whole line of a plane. Where the pixels of a tile lie in the image is computed once a
// tile, in double as OpenCV does it: small GPUs have few units for that.
//
// Compile-time constants: ENCODING, RESIZE, ORDER, LAYOUT (names of the enumerations below), ELEMENT_BYTES,
// READS_WORDS (whether alignment allows to read several bytes at once), PIXELS_PER_THREAD.

namespace {

enum class Encoding {
    bgr8, rgb8, bgra8, rgba8, mono8, mono16, uyvy, yuyv, nv12, nv21, bayer_rggb8, bayer_bggr8, bayer_gbrg8, bayer_grbg8
};
enum class Resize {
    none,
    bilinear,
    halve,         // both sides by 2: the mean of four, for bilinear as for area
    area,          // the mean of what a pixel covers
    area_whole,    // the same where it covers whole pixels
    area_enlarge,  // where a side grows, "area" is bilinear between pixel borders
};
enum class Order { rgb, bgr, mono };
enum class Layout { nchw, nhwc };

template <int bytes> struct ElementOf;
template <> struct ElementOf<1> { using Type = unsigned char; };
template <> struct ElementOf<2> { using Type = unsigned short; };
template <> struct ElementOf<4> { using Type = unsigned int; };

using Byte = unsigned char;
using Word = unsigned int;
using Element = ElementOf<ELEMENT_BYTES>::Type;  // carried as bits; the table knows what they mean

constexpr Encoding encoding = Encoding::ENCODING;
constexpr Resize resize = Resize::RESIZE;
constexpr Order order = Order::ORDER;
constexpr Layout layout = Layout::LAYOUT;
constexpr bool reads_words = READS_WORDS != 0;

constexpr int warp = 32;
constexpr int tile_width = warp * PIXELS_PER_THREAD;
constexpr int tile_height = 8;

constexpr bool is_grey = encoding == Encoding::mono8 || encoding == Encoding::mono16;
constexpr bool is_packed_yuv = encoding == Encoding::uyvy || encoding == Encoding::yuyv;
constexpr bool is_semi_planar = encoding == Encoding::nv12 || encoding == Encoding::nv21;
constexpr bool is_bayer = encoding >= Encoding::bayer_rggb8;
constexpr bool has_four_channels = encoding == Encoding::bgra8 || encoding == Encoding::rgba8;
constexpr bool is_red_first = encoding == Encoding::rgb8 || encoding == Encoding::rgba8;
constexpr int source_channels = is_grey ? 1 : 3;
constexpr int tensor_channels = order == Order::mono ? 1 : 3;
constexpr bool is_bilinear = resize == Resize::bilinear || resize == Resize::area_enlarge;
constexpr int weight_one = 2048;  // OpenCV's INTER_RESIZE_COEF_SCALE

struct Image {
    const Byte* data;
    const Byte* end;
    long long step;
    int width;
    int height;
};

struct Pixel {
    int value[3];  // blue, green, red; of grey images only the first counts
};

// What a pixel of the tensor is made of along one axis: pixels of the image, counted from its border, and their weights.
struct Linear {
    int first, second;
    int first_weight, second_weight;
};

struct Covered {
    int begin, whole_begin, whole_end, end;
    float first_weight, whole_weight, last_weight;
};

template <Resize> struct SpanOf { using Type = Linear; };
template <> struct SpanOf<Resize::area> { using Type = Covered; };
using Span = SpanOf<resize>::Type;

// ---- Reading one pixel ----

__device__ const Byte* row_of(const Image& image, int y) { return image.data + y * image.step; }

__device__ int saturated(int value) { return min(max(value, 0), 255); }

// BT.601 of limited range, with OpenCV's factors of 2^-20.
__device__ Pixel from_yuv(int y, int u, int v) {
    const int luma = max(y - 16, 0) * 1220542 + (1 << 19);
    u -= 128;
    v -= 128;
    return {{
        saturated((luma + 2116026 * u) >> 20),
        saturated((luma - 409993 * u - 852492 * v) >> 20),
        saturated((luma + 1673527 * v) >> 20),
    }};
}

__device__ Pixel from_interleaved(int first, int second, int third) {
    return is_red_first ? Pixel{{third, second, first}} : Pixel{{first, second, third}};
}

__device__ Pixel read_packed_yuv(const Image& image, int x, int y) {
    const Byte* pair = row_of(image, y) + 4 * (x >> 1);
    constexpr int luma_at = encoding == Encoding::uyvy ? 1 : 0;
    constexpr int blue_at = 1 - luma_at;
    const int own_at = luma_at + 2 * (x & 1);
    if constexpr (reads_words) {
        const Word word = __ldg(reinterpret_cast<const Word*>(pair));
        return from_yuv(word >> 8 * own_at & 255, word >> 8 * blue_at & 255, word >> 8 * (blue_at + 2) & 255);
    }
    return from_yuv(__ldg(pair + own_at), __ldg(pair + blue_at), __ldg(pair + blue_at + 2));
}

__device__ Pixel read_semi_planar_yuv(const Image& image, int x, int y) {
    const Byte* pair = row_of(image, image.height + (y >> 1)) + 2 * (x >> 1);
    int first, second;
    if constexpr (reads_words) {
        const int both = __ldg(reinterpret_cast<const unsigned short*>(pair));
        first = both & 255;
        second = both >> 8;
    } else {
        first = __ldg(pair);
        second = __ldg(pair + 1);
    }
    const int luma = __ldg(row_of(image, y) + x);
    return encoding == Encoding::nv12 ? from_yuv(luma, first, second) : from_yuv(luma, second, first);
}

// Three rows of three bytes around a pixel as its colours: those it has not are the mean of the nearest that have it.
__device__ Pixel demosaiced(const int (&top)[3], const int (&middle)[3], const int (&bottom)[3], int x, int y) {
    constexpr int red_x = encoding == Encoding::bayer_bggr8 || encoding == Encoding::bayer_grbg8;
    constexpr int red_y = encoding == Encoding::bayer_bggr8 || encoding == Encoding::bayer_gbrg8;
    const bool in_red_column = (x & 1) == red_x;
    const bool in_red_row = (y & 1) == red_y;
    const int own = middle[1];
    if (in_red_column == in_red_row) {
        const int cross = (top[1] + middle[0] + middle[2] + bottom[1] + 2) >> 2;
        const int corners = (top[0] + top[2] + bottom[0] + bottom[2] + 2) >> 2;
        return in_red_row ? Pixel{{corners, cross, own}} : Pixel{{own, cross, corners}};
    }
    const int beside = (middle[0] + middle[2] + 1) >> 1;
    const int above = (top[1] + bottom[1] + 1) >> 1;
    return in_red_row ? Pixel{{above, own, beside}} : Pixel{{beside, own, above}};
}

// At the image's border the pixel beside it, or below, is taken: OpenCV's rule.
__device__ Pixel read_bayer(const Image& image, int x, int y) {
    x = min(max(x, 1), image.width - 2);
    y = min(max(y, 1), image.height - 2);
    int around[3][3];
    for (int row = 0; row < 3; ++row) {
        const Byte* line = row_of(image, y - 1 + row) + x - 1;
        for (int column = 0; column < 3; ++column) {
            around[row][column] = __ldg(line + column);
        }
    }
    return demosaiced(around[0], around[1], around[2], x, y);
}

__device__ Pixel read_pixel(const Image& image, int x, int y) {
    if constexpr (is_grey) {
        // mono16 is little-endian: its high byte is the second.
        return {{__ldg(row_of(image, y) + (encoding == Encoding::mono8 ? x : 2 * x + 1)), 0, 0}};
    } else if constexpr (is_packed_yuv) {
        return read_packed_yuv(image, x, y);
    } else if constexpr (is_semi_planar) {
        return read_semi_planar_yuv(image, x, y);
    } else if constexpr (is_bayer) {
        return read_bayer(image, x, y);
    } else if constexpr (has_four_channels && reads_words) {
        const Word word = __ldg(reinterpret_cast<const Word*>(row_of(image, y)) + x);
        return from_interleaved(word & 255, word >> 8 & 255, word >> 16 & 255);
    } else {
        const Byte* at = row_of(image, y) + (has_four_channels ? 4 : 3) * x;
        return from_interleaved(__ldg(at), __ldg(at + 1), __ldg(at + 2));
    }
}

// ---- Reading two by two pixels: x and x + 1 of rows y0 and y1 ----

struct Quad {
    Pixel at[2][2];
};

// Bytes from any address on: four in `low`, then two in `high`. Whole words are read, but none that begins behind `end`
// or reaches beyond it.
struct Six {
    Word low, high;
};

__device__ Six read_six(const Byte* at, const Byte* end) {
    if (end - at < 9) {
        Six bytes = {0, 0};
        for (int index = 0; index < 4; ++index) {
            bytes.low |= static_cast<Word>(__ldg(at + index)) << 8 * index;
        }
        bytes.high = __ldg(at + 4) | static_cast<Word>(__ldg(at + 5)) << 8;
        return bytes;
    }
    using Long = unsigned long long;
    const int shift = 8 * static_cast<int>(reinterpret_cast<Long>(at) & 3);
    const Word* words = reinterpret_cast<const Word*>(at - shift / 8);
    const Long first = __ldg(words), second = __ldg(words + 1), third = shift == 24 ? __ldg(words + 2) : 0;
    return {static_cast<Word>((second << 32 | first) >> shift), static_cast<Word>((third << 32 | second) >> shift)};
}

__device__ Word read_four(const Byte* at, const Byte* end) {
    if (end - at < 8) {
        Word bytes = 0;
        for (int index = 0; index < 4; ++index) {
            bytes |= static_cast<Word>(__ldg(at + index)) << 8 * index;
        }
        return bytes;
    }
    const int shift = 8 * static_cast<int>(reinterpret_cast<unsigned long long>(at) & 3);
    const Word* words = reinterpret_cast<const Word*>(at - shift / 8);
    const unsigned long long first = __ldg(words), second = shift ? __ldg(words + 1) : 0;
    return static_cast<Word>((second << 32 | first) >> shift);
}

__device__ void read_pair(const Image& image, int x, int y, Pixel (&pair)[2]) {
    if constexpr (source_channels == 3 && !is_packed_yuv && !is_semi_planar && !has_four_channels && reads_words) {
        const Six six = read_six(row_of(image, y) + 3 * x, image.end);
        pair[0] = from_interleaved(six.low & 255, six.low >> 8 & 255, six.low >> 16 & 255);
        pair[1] = from_interleaved(six.low >> 24, six.high & 255, six.high >> 8 & 255);
    } else {
        pair[0] = read_pixel(image, x, y);
        pair[1] = read_pixel(image, min(x + 1, image.width - 1), y);
    }
}

// A Bayer image's quad comes from four by four bytes, which lie inside the image wherever the quad does.
__device__ Quad read_bayer_quad(const Image& image, int x, int y0, int y1) {
    const int left = min(max(x - 1, 0), image.width - 4);
    const int top = min(max(y0 - 1, 0), image.height - 4);
    int bytes[4][4];
    for (int row = 0; row < 4; ++row) {
        const Byte* line = row_of(image, top + row) + left;
        if constexpr (reads_words) {
            const Word word = read_four(line, image.end);
            for (int column = 0; column < 4; ++column) {
                bytes[row][column] = word >> 8 * column & 255;
            }
        } else {
            for (int column = 0; column < 4; ++column) {
                bytes[row][column] = __ldg(line + column);
            }
        }
    }
    Pixel inner[2][2];
    for (int row = 0; row < 2; ++row) {
        for (int column = 0; column < 2; ++column) {
            int around[3][3];
            for (int index = 0; index < 9; ++index) {
                around[index / 3][index % 3] = bytes[row + index / 3][column + index % 3];
            }
            inner[row][column] = demosaiced(around[0], around[1], around[2], left + 1 + column, top + 1 + row);
        }
    }
    const bool is_second[2][2] = {
        {min(max(x, 1), image.width - 2) > left + 1, min(max(x + 1, 1), image.width - 2) > left + 1},
        {min(max(y0, 1), image.height - 2) > top + 1, min(max(y1, 1), image.height - 2) > top + 1},
    };
    Quad quad;
    for (int row = 0; row < 2; ++row) {
        for (int column = 0; column < 2; ++column) {
            for (int channel = 0; channel < 3; ++channel) {
                const int upper = inner[0][is_second[0][column] ? 1 : 0].value[channel];
                const int lower = inner[1][is_second[0][column] ? 1 : 0].value[channel];
                quad.at[row][column].value[channel] = is_second[1][row] ? lower : upper;
            }
        }
    }
    return quad;
}

__device__ Quad read_quad(const Image& image, int x, int y0, int y1, bool needs_second_row) {
    if constexpr (is_bayer) {
        return read_bayer_quad(image, x, y0, y1);
    }
    Quad quad;
    read_pair(image, x, y0, quad.at[0]);
    if (needs_second_row) {
        read_pair(image, x, y1, quad.at[1]);
    } else {
        quad.at[1][0] = quad.at[0][0];
        quad.at[1][1] = quad.at[0][1];
    }
    return quad;
}

// ---- Where a pixel of the tensor lies in the image, along one axis ----

struct Axis {
    int image_size, crop_begin, crop_size;
    double scale, inverse;  // image pixels a network pixel, and the other way round
};

// cv2.resize's positions and weights: computed in double, kept as float, weighted in steps of 1/2048.
__device__ Linear linear_span(int index, const Axis& axis) {
    int first;
    float part;
    if constexpr (resize == Resize::area_enlarge) {
        first = static_cast<int>(floor(index * axis.scale));
        part = static_cast<float>((index + 1) - (first + 1) * axis.inverse);
        part = part <= 0.0f ? 0.0f : part - floorf(part);
    } else {
        const float position = static_cast<float>((index + 0.5) * axis.scale - 0.5);
        first = static_cast<int>(floorf(position));
        part = position - first;
    }
    return {
        min(max(first, 0), axis.crop_size - 1),
        min(max(first + 1, 0), axis.crop_size - 1),
        static_cast<int>(rintf((1.0f - part) * weight_one)),
        static_cast<int>(rintf(part * weight_one)),
    };
}

// Rows beyond the border are the border's, each with its own weight; columns are with the whole one. It rounds differently.
__device__ Linear linear_row(int index, const Axis& axis) {
    Linear span = linear_span(index, axis);
    span.first += axis.crop_begin;
    span.second += axis.crop_begin;
    return span;
}

// The second column is always the next one, so that both are read at once.
__device__ Linear linear_column(int index, const Axis& axis) {
    Linear span = linear_span(index, axis);
    if (span.first == span.second) {
        span.first_weight = weight_one;
        span.second_weight = 0;
    }
    span.first += axis.crop_begin;
    if (span.first == axis.image_size - 1 && axis.image_size > 1) {
        span.first -= 1;
        span.second_weight = span.first_weight;
        span.first_weight = 0;
    }
    span.second = span.first + 1;
    return span;
}

__device__ Covered covered_span(int index, const Axis& axis) {
    const double begin = index * axis.scale;
    const double end = begin + axis.scale;
    const double width = min(axis.scale, axis.crop_size - begin);
    const int whole_end = min(static_cast<int>(floor(end)), axis.crop_size - 1);
    const int whole_begin = min(static_cast<int>(ceil(begin)), whole_end);
    const bool has_first = whole_begin - begin > 1e-3;
    const bool has_last = end - whole_end > 1e-3;
    return {
        axis.crop_begin + whole_begin - (has_first ? 1 : 0),
        axis.crop_begin + whole_begin,
        axis.crop_begin + whole_end,
        axis.crop_begin + whole_end + (has_last ? 1 : 0),
        static_cast<float>((whole_begin - begin) / width),
        static_cast<float>(1.0 / width),
        static_cast<float>(min(min(end - whole_end, 1.0), width) / width),
    };
}

template <bool is_column> __device__ void locate(int index, const Axis& axis, Linear& span) {
    if constexpr (!is_bilinear) {
        const int first = axis.crop_begin + index * static_cast<int>(rint(axis.scale));
        span = {first, first + 1, 0, 0};
    } else if constexpr (is_column) {
        span = linear_column(index, axis);
    } else {
        span = linear_row(index, axis);
    }
}

template <bool is_column> __device__ void locate(int index, const Axis& axis, Covered& span) {
    span = covered_span(index, axis);
}

// ---- One pixel of the resized image ----

__device__ Pixel bilinear(const Image& image, const Linear& column, const Linear& row) {
    const Quad quad = read_quad(image, column.first, row.first, row.second, row.second_weight != 0);
    Pixel result = {};
    for (int channel = 0; channel < source_channels; ++channel) {
        const int upper = quad.at[0][0].value[channel] * column.first_weight
                        + quad.at[0][1].value[channel] * column.second_weight;
        const int lower = quad.at[1][0].value[channel] * column.first_weight
                        + quad.at[1][1].value[channel] * column.second_weight;
        const int sum = ((upper >> 4) * row.first_weight >> 16) + ((lower >> 4) * row.second_weight >> 16);
        result.value[channel] = saturated((sum + 2) >> 2);
    }
    return result;
}

__device__ Pixel mean_of_four(const Image& image, const Linear& column, const Linear& row) {
    const Quad quad = read_quad(image, column.first, row.first, row.second, true);
    Pixel result = {};
    for (int channel = 0; channel < source_channels; ++channel) {
        const int upper = quad.at[0][0].value[channel] + quad.at[0][1].value[channel];
        const int lower = quad.at[1][0].value[channel] + quad.at[1][1].value[channel];
        result.value[channel] = (upper + lower + 2) >> 2;
    }
    return result;
}

__device__ Pixel mean_of_whole(const Image& image, const Linear& column, const Linear& row, int width, int height) {
    int sum[source_channels] = {};
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const Pixel pixel = read_pixel(image, column.first + x, row.first + y);
            for (int channel = 0; channel < source_channels; ++channel) {
                sum[channel] += pixel.value[channel];
            }
        }
    }
    const float scale = 1.0f / (width * height);
    Pixel result = {};
    for (int channel = 0; channel < source_channels; ++channel) {
        result.value[channel] = saturated(static_cast<int>(rintf(sum[channel] * scale)));
    }
    return result;
}

__device__ float weight(const Covered& span, int index) {
    return index < span.whole_begin ? span.first_weight : index < span.whole_end ? span.whole_weight : span.last_weight;
}

// Row by row, each row from the left: the order of OpenCV's sums.
__device__ Pixel mean_of_covered(const Image& image, const Covered& column, const Covered& row) {
    float sum[source_channels] = {};
    for (int y = row.begin; y < row.end; ++y) {
        float line[source_channels] = {};
        for (int x = column.begin; x < column.end; ++x) {
            const Pixel pixel = read_pixel(image, x, y);
            for (int channel = 0; channel < source_channels; ++channel) {
                line[channel] += pixel.value[channel] * weight(column, x);
            }
        }
        for (int channel = 0; channel < source_channels; ++channel) {
            sum[channel] += line[channel] * weight(row, y);
        }
    }
    Pixel result = {};
    for (int channel = 0; channel < source_channels; ++channel) {
        result.value[channel] = saturated(static_cast<int>(rintf(sum[channel])));
    }
    return result;
}

__device__ Pixel resized(
    const Image& image, const Linear& column, const Linear& row, const Axis& across, const Axis& down) {
    if constexpr (resize == Resize::none) {
        return read_pixel(image, column.first, row.first);
    } else if constexpr (resize == Resize::halve) {
        return mean_of_four(image, column, row);
    } else if constexpr (resize == Resize::area_whole) {
        const int width = static_cast<int>(rint(across.scale));
        const int height = static_cast<int>(rint(down.scale));
        return mean_of_whole(image, column, row, width, height);
    } else {
        return bilinear(image, column, row);
    }
}

__device__ Pixel resized(const Image& image, const Covered& column, const Covered& row, const Axis&, const Axis&) {
    return mean_of_covered(image, column, row);
}

// ---- The tensor ----

__device__ int level_of(const Pixel& pixel, int channel) {
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

// Channels of one pixel lie side by side: the warp's pixels are put in order in shared memory, so that it writes whole lines.
__device__ void write_interleaved(
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
    long long pixel_bytes, long long step, int image_width, int image_height,
    int crop_x, int crop_y, int crop_width, int crop_height,
    int left, int top, int right, int bottom,  // what the image covers of the tensor
    int width, int height, int padding,
    double scale_x, double scale_y, double inverse_x, double inverse_y) {
    __shared__ Span columns[tile_width];
    __shared__ Span rows[tile_height];
    __shared__ Element lines[tile_height][warp * tensor_channels];

    const Image image = {pixels, pixels + pixel_bytes, step, image_width, image_height};
    const Axis across = {image_width, crop_x, crop_width, scale_x, inverse_x};
    const Axis down = {image_height, crop_y, crop_height, scale_y, inverse_y};
    const int lane = threadIdx.x;
    const int first_column = blockIdx.x * tile_width;
    const int first_row = blockIdx.y * tile_height;

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
    const bool has_image = row >= top && row < bottom;
    for (int index = 0; index < PIXELS_PER_THREAD; ++index) {
        const int begin = first_column + index * warp;
        if (begin >= width) {
            break;
        }
        const int column = begin + lane;
        Levels levels;
        for (int channel = 0; channel < tensor_channels; ++channel) {
            levels.value[channel] = padding;
        }
        if (has_image && column >= left && column < right) {
            const Pixel pixel = resized(image, columns[index * warp + lane], rows[threadIdx.y], across, down);
            for (int channel = 0; channel < tensor_channels; ++channel) {
                levels.value[channel] = level_of(pixel, channel);
            }
        }
        const long long at = static_cast<long long>(row) * width + column;
        if constexpr (layout == Layout::nhwc && tensor_channels > 1) {
            write_interleaved(levels, table, tensor, lines[threadIdx.y], at - lane, min(width - begin, warp));
        } else if (column < width) {
            const long long plane = static_cast<long long>(width) * height;
            for (int channel = 0; channel < tensor_channels; ++channel) {
                tensor[channel * plane + at] = __ldg(table + 256 * channel + levels.value[channel]);
            }
        }
    }
}
