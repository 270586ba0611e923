// One pixel of the cropped and resized image, rounded to 8 bits as cv2.resize rounds it.
#pragma once

#include "preprocess/frame_pixels.cuh"
#include "preprocess/spans.cuh"

namespace {

// Where the second row counts nothing it is not read: all rows of a reduction by three, for one.
template <bool around>
__device__ inline Pixel bilinear(const Image& image, const Linear& column, const Linear& row) {
    const Quad quad = read_quad<around>(image, column.first, row.first, row.second, row.second_weight != 0);
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

template <bool around>
__device__ inline Pixel mean_of_four(const Image& image, const Linear& column, const Linear& row) {
    const Quad quad = read_quad<around>(image, column.first, row.first, row.second, true);
    Pixel result = {};
    for (int channel = 0; channel < source_channels; ++channel) {
        const int upper = quad.at[0][0].value[channel] + quad.at[0][1].value[channel];
        const int lower = quad.at[1][0].value[channel] + quad.at[1][1].value[channel];
        result.value[channel] = (upper + lower + 2) >> 2;
    }
    return result;
}

__device__ inline Pixel mean_of_whole(
    const Image& image, const Linear& column, const Linear& row, int width, int height) {
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

__device__ inline float weight(const Covered& span, int index) {
    return index < span.whole_begin ? span.first_weight : index < span.whole_end ? span.whole_weight : span.last_weight;
}

// Row by row, each row from the left: the order of OpenCV's sums.
__device__ inline Pixel mean_of_covered(const Image& image, const Covered& column, const Covered& row) {
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

template <bool around>
__device__ inline Pixel resized(
    const Image& image, const Linear& column, const Linear& row, const Axis& across, const Axis& down) {
    if constexpr (resize == Resize::none) {
        return read_pixel(image, column.first, row.first);
    } else if constexpr (resize == Resize::halve) {
        return mean_of_four<around>(image, column, row);
    } else if constexpr (resize == Resize::area_whole) {
        const int width = static_cast<int>(rint(across.scale));
        const int height = static_cast<int>(rint(down.scale));
        return mean_of_whole(image, column, row, width, height);
    } else {
        return bilinear<around>(image, column, row);
    }
}

template <bool>
__device__ inline Pixel resized(
    const Image& image, const Covered& column, const Covered& row, const Axis&, const Axis&) {
    return mean_of_covered(image, column, row);
}

// Whether a row is made of the image's last, behind which there may be no bytes. A Bayer image's rows are read four at
// a time, from the one above the first on.
__device__ inline bool is_near_end(const Image& image, const Linear& row) {
    return (is_bayer ? max(row.first - 1, 0) + 3 : row.second) >= image.height - 1;
}

__device__ inline bool is_near_end(const Image&, const Covered&) { return false; }

}  // namespace
