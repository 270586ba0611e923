// Elements of the outputs that kernels are compiled for; element_type.py names the types.
#pragma once

#include "kernels/common.cuh"

struct Half {
  u16 bits;
};
typedef i64 Int64;
typedef u8 Uint8;
typedef signed char Int8;

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(Half value) { return half_to_float(value.bits); }

__device__ __forceinline__ bool is_finite(float value) {
  return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u;
}
