// What kernels of several parts share. No CUDA headers: NVRTC may have none, and the tests run kernels on a CPU.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// The number that a float16 is, exactly.
__device__ __forceinline__ float half_to_float(u16 half) {
#ifdef __CUDA_ARCH__
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
  return value;
#else
  const u32 sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
  if (exponent == 0) return __uint_as_float(sign | __float_as_uint(fraction * 5.9604644775390625e-8f));  // 2^-24
  return __uint_as_float(sign | (exponent == 31 ? 0x7f800000u : exponent + 112 << 23) | fraction << 13);
#endif
}

// The nearest float16, ties to even, as its bits; too large numbers become infinite.
__device__ __forceinline__ u16 float_to_half(float value) {
#ifdef __CUDA_ARCH__
  u16 half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
  return half;
#else
  const u32 bits = __float_as_uint(value), magnitude = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
  if (magnitude > 0x7f800000u) return 0x7fff;  // as the GPU writes every NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;
  if (magnitude < 0x38800000u) {  // below 2^-14: the sum's last bit is worth 2^-24, so that the FPU rounds
    return sign | (__float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u);
  }
  return sign | (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u) >> 13);
#endif
}

// Numbers in the order of their keys: larger floats have larger keys, -0 comes before 0. Not for NaN.
__device__ __forceinline__ u32 ordered_bits(float value) {
  const u32 bits = __float_as_uint(value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The reverse of ordered_bits.
__device__ __forceinline__ float ordered_float(u32 key) {
  return __uint_as_float(key & 0x80000000u ? key ^ 0x80000000u : ~key);
}

// A key for sorting: the largest key is the best score, and of equal scores the smallest index.
__device__ __forceinline__ u64 rank_key(float score, u32 index) {
  return static_cast<u64>(ordered_bits(score)) << 32 | ~index;
}

__device__ __forceinline__ float rank_score(u64 key) { return ordered_float(static_cast<u32>(key >> 32)); }

__device__ __forceinline__ u32 rank_index(u64 key) { return ~static_cast<u32>(key); }
