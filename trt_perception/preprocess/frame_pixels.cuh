// Pixels of a frame: blue, green and red, 8 bits each, out of the bytes of any encoding.
//
// Colours are those of preprocess/pixel_view.py, which goes through OpenCV: its fixed point, its rule at Bayer borders.
//
// Compile-time constants: ENCODING, READS_WORDS (whether alignment allows to read several bytes at once).
#pragma once

namespace {

using Byte = unsigned char;
using Word = unsigned int;

enum class Encoding {
    bgr8, rgb8, bgra8, rgba8, mono8, mono16, uyvy, yuyv, nv12, nv21, bayer_rggb8, bayer_bggr8, bayer_gbrg8, bayer_grbg8
};

constexpr Encoding encoding = Encoding::ENCODING;
constexpr bool is_grey = encoding == Encoding::mono8 || encoding == Encoding::mono16;
constexpr bool is_packed_yuv = encoding == Encoding::uyvy || encoding == Encoding::yuyv;
constexpr bool is_semi_planar = encoding == Encoding::nv12 || encoding == Encoding::nv21;
constexpr bool is_bayer = encoding >= Encoding::bayer_rggb8;
// Where red lies in a Bayer pattern's two columns and rows.
[[maybe_unused]] constexpr int red_x = encoding == Encoding::bayer_bggr8 || encoding == Encoding::bayer_grbg8;
[[maybe_unused]] constexpr int red_y = encoding == Encoding::bayer_bggr8 || encoding == Encoding::bayer_gbrg8;
constexpr bool has_three_bytes = encoding == Encoding::bgr8 || encoding == Encoding::rgb8;
constexpr bool has_four_bytes = encoding == Encoding::bgra8 || encoding == Encoding::rgba8;
constexpr bool is_red_first = encoding == Encoding::rgb8 || encoding == Encoding::rgba8;
constexpr int source_channels = is_grey ? 1 : 3;

constexpr bool reads_words = READS_WORDS != 0;
// Whether words are read around pixels that begin anywhere: up to three bytes behind them, which the last row has not.
constexpr bool reads_around = reads_words && (has_three_bytes || is_bayer);

struct Image {
    const Byte* data;
    long long step;
    int width;
    int height;
};

struct Pixel {
    int value[3];  // blue, green, red; of grey images only the first counts
};

// ---- Reading one pixel ----

__device__ inline const Byte* row_of(const Image& image, int y) { return image.data + y * image.step; }

__device__ inline int saturated(int value) { return min(max(value, 0), 255); }

// BT.601 of limited range, with OpenCV's factors of 2^-20.
__device__ inline Pixel from_yuv(int y, int u, int v) {
    const int luma = max(y - 16, 0) * 1220542 + (1 << 19);
    u -= 128;
    v -= 128;
    return {{
        saturated((luma + 2116026 * u) >> 20),
        saturated((luma - 409993 * u - 852492 * v) >> 20),
        saturated((luma + 1673527 * v) >> 20),
    }};
}

__device__ inline Pixel from_interleaved(int first, int second, int third) {
    return is_red_first ? Pixel{{third, second, first}} : Pixel{{first, second, third}};
}

__device__ inline Pixel read_packed_yuv(const Image& image, int x, int y) {
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

__device__ inline Pixel read_semi_planar_yuv(const Image& image, int x, int y) {
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
__device__ inline Pixel demosaiced(const int (&top)[3], const int (&middle)[3], const int (&bottom)[3], int x, int y) {
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
__device__ inline Pixel read_bayer(const Image& image, int x, int y) {
    x = min(max(x, 1), image.width - 2);
    y = min(max(y, 1), image.height - 2);
    int near[3][3];
    for (int row = 0; row < 3; ++row) {
        const Byte* line = row_of(image, y - 1 + row) + x - 1;
        for (int column = 0; column < 3; ++column) {
            near[row][column] = __ldg(line + column);
        }
    }
    return demosaiced(near[0], near[1], near[2], x, y);
}

__device__ inline Pixel read_pixel(const Image& image, int x, int y) {
    if constexpr (is_grey) {
        // mono16 is little-endian: its high byte is the second.
        return {{__ldg(row_of(image, y) + (encoding == Encoding::mono8 ? x : 2 * x + 1)), 0, 0}};
    } else if constexpr (is_packed_yuv) {
        return read_packed_yuv(image, x, y);
    } else if constexpr (is_semi_planar) {
        return read_semi_planar_yuv(image, x, y);
    } else if constexpr (is_bayer) {
        return read_bayer(image, x, y);
    } else if constexpr (has_four_bytes && reads_words) {
        const Word word = __ldg(reinterpret_cast<const Word*>(row_of(image, y)) + x);
        return from_interleaved(word & 255, word >> 8 & 255, word >> 16 & 255);
    } else {
        const Byte* at = row_of(image, y) + (has_four_bytes ? 4 : 3) * x;
        return from_interleaved(__ldg(at), __ldg(at + 1), __ldg(at + 2));
    }
}

// ---- Reading two by two pixels: x and x + 1 of rows y0 and y1 ----

struct Quad {
    Pixel at[2][2];
};

// The bytes from any address on, in whole words: four in `low`, then two in `high`.
struct Six {
    Word low, high;
};

__device__ inline Six read_six(const Byte* at) {
    const int shift = 8 * static_cast<int>(reinterpret_cast<unsigned long long>(at) & 3);
    const Word* words = reinterpret_cast<const Word*>(at - shift / 8);
    const unsigned long long first = __ldg(words), second = __ldg(words + 1);
    const unsigned long long third = shift == 24 ? __ldg(words + 2) : 0;
    return {static_cast<Word>((second << 32 | first) >> shift), static_cast<Word>((third << 32 | second) >> shift)};
}

__device__ inline Word read_four(const Byte* at) {
    const int shift = 8 * static_cast<int>(reinterpret_cast<unsigned long long>(at) & 3);
    const Word* words = reinterpret_cast<const Word*>(at - shift / 8);
    const unsigned long long first = __ldg(words), second = shift ? __ldg(words + 1) : 0;
    return static_cast<Word>((second << 32 | first) >> shift);
}

template <bool around>
__device__ inline void read_pair(const Image& image, int x, int y, Pixel (&pair)[2]) {
    if constexpr (around) {
        const Six six = read_six(row_of(image, y) + 3 * x);
        pair[0] = from_interleaved(six.low & 255, six.low >> 8 & 255, six.low >> 16 & 255);
        pair[1] = from_interleaved(six.low >> 24, six.high & 255, six.high >> 8 & 255);
    } else {
        pair[0] = read_pixel(image, x, y);
        pair[1] = read_pixel(image, min(x + 1, image.width - 1), y);
    }
}

__device__ inline Word mirrored(Word word) {
    return word >> 24 | (word >> 8 & 0xFF00) | (word << 8 & 0xFF0000) | word << 24;
}

// A Bayer image's quad comes from four by four bytes, which lie inside the image wherever the quad does. They are
// turned so that the second of the second row is red: every lane then does the same, as no mean cares for direction.
template <bool around>
__device__ inline Quad read_bayer_quad(const Image& image, int x, int y0, int y1) {
    const int left = min(max(x - 1, 0), image.width - 4);
    const int top = min(max(y0 - 1, 0), image.height - 4);
    const bool is_turned_x = ((left + 1) & 1) != red_x;
    const bool is_turned_y = ((top + 1) & 1) != red_y;
    int at[4][4];
    for (int row = 0; row < 4; ++row) {
        const Byte* line = row_of(image, top + (is_turned_y ? 3 - row : row)) + left;
        Word word = 0;
        if constexpr (around) {
            word = read_four(line);
        } else {
            for (int column = 0; column < 4; ++column) {
                word |= static_cast<Word>(__ldg(line + column)) << 8 * column;
            }
        }
        word = is_turned_x ? mirrored(word) : word;
        for (int column = 0; column < 4; ++column) {
            at[row][column] = word >> 8 * column & 255;
        }
    }
    const auto cross = [&](int row, int column) {
        return (at[row - 1][column] + at[row + 1][column] + at[row][column - 1] + at[row][column + 1] + 2) >> 2;
    };
    const auto corners = [&](int row, int column) {
        const int upper = at[row - 1][column - 1] + at[row - 1][column + 1];
        const int lower = at[row + 1][column - 1] + at[row + 1][column + 1];
        return (upper + lower + 2) >> 2;
    };
    const auto beside = [&](int row, int column) { return (at[row][column - 1] + at[row][column + 1] + 1) >> 1; };
    const auto above = [&](int row, int column) { return (at[row - 1][column] + at[row + 1][column] + 1) >> 1; };
    const Pixel inner[2][2] = {
        {{{corners(1, 1), cross(1, 1), at[1][1]}}, {{above(1, 2), at[1][2], beside(1, 2)}}},
        {{{beside(2, 1), at[2][1], above(2, 1)}}, {{at[2][2], cross(2, 2), corners(2, 2)}}},
    };
    // At the image's border both are the same.
    const bool columns[2] = {
        (min(max(x, 1), image.width - 2) > left + 1) != is_turned_x,
        (min(max(x + 1, 1), image.width - 2) > left + 1) != is_turned_x,
    };
    const bool rows[2] = {
        (min(max(y0, 1), image.height - 2) > top + 1) != is_turned_y,
        (min(max(y1, 1), image.height - 2) > top + 1) != is_turned_y,
    };
    Quad quad;
    for (int row = 0; row < 2; ++row) {
        for (int column = 0; column < 2; ++column) {
            for (int channel = 0; channel < 3; ++channel) {
                // Chosen by value: an index would put the pixels into memory.
                const int upper = columns[column] ? inner[0][1].value[channel] : inner[0][0].value[channel];
                const int lower = columns[column] ? inner[1][1].value[channel] : inner[1][0].value[channel];
                quad.at[row][column].value[channel] = rows[row] ? lower : upper;
            }
        }
    }
    return quad;
}

template <bool around>
__device__ inline Quad read_quad(const Image& image, int x, int y0, int y1, bool needs_second_row) {
    if constexpr (is_bayer) {
        return read_bayer_quad<around>(image, x, y0, y1);
    } else {
        Quad quad = {};
        read_pair<around>(image, x, y0, quad.at[0]);
        if (needs_second_row) {
            read_pair<around>(image, x, y1, quad.at[1]);
        }
        return quad;
    }
}

}  // namespace
