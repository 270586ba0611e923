// Where a pixel of the tensor lies in the image along one axis, and how the image's pixels there are weighted.
//
// Positions and weights are those of cv2.resize: computed in double, kept as float, bilinear ones in steps of 1/2048.
//
// Compile-time constant: RESIZE.
#pragma once

namespace {

enum class Resize {
    none,
    bilinear,
    halve,         // both sides by 2: the mean of four, for bilinear as for area
    area,          // the mean of what a pixel covers
    area_whole,    // the same where it covers whole pixels
    area_enlarge,  // where a side grows, "area" is bilinear between pixel borders
};

constexpr Resize resize = Resize::RESIZE;
[[maybe_unused]] constexpr bool is_bilinear = resize == Resize::bilinear || resize == Resize::area_enlarge;
constexpr int weight_one = 2048;  // OpenCV's INTER_RESIZE_COEF_SCALE

struct Axis {
    int image_size, crop_begin, crop_size;
    double scale, inverse;  // image pixels a network pixel, and the other way round
};

// Two pixels of the image, counted from its border.
struct Linear {
    int first, second;
    int first_weight, second_weight;
};

// Pixels from begin to before end: the whole ones all weigh the same.
struct Covered {
    int begin, whole_begin, whole_end, end;
    float first_weight, whole_weight, last_weight;
};

template <Resize> struct SpanOf { using Type = Linear; };
template <> struct SpanOf<Resize::area> { using Type = Covered; };
using Span = SpanOf<resize>::Type;

__device__ inline Linear linear_span(int index, const Axis& axis) {
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

// Rows beyond the border are the border's, each with its own weight; columns with the whole one. It rounds differently.
__device__ inline Linear linear_row(int index, const Axis& axis) {
    Linear span = linear_span(index, axis);
    span.first += axis.crop_begin;
    span.second += axis.crop_begin;
    return span;
}

// The second column is always the next one, so that both are read at once.
__device__ inline Linear linear_column(int index, const Axis& axis) {
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

__device__ inline Covered covered_span(int index, const Axis& axis) {
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

template <bool is_column>
__device__ inline void locate(int index, const Axis& axis, Linear& span) {
    if constexpr (!is_bilinear) {
        const int first = axis.crop_begin + index * static_cast<int>(rint(axis.scale));
        span = {first, first + 1, 0, 0};
    } else if constexpr (is_column) {
        span = linear_column(index, axis);
    } else {
        span = linear_row(index, axis);
    }
}

template <bool is_column>
__device__ inline void locate(int index, const Axis& axis, Covered& span) {
    span = covered_span(index, axis);
}

}  // namespace
