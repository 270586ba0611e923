// CUDA C++ for a C++ compiler: enough of it to run the kernels of this package on a CPU, one thread at a time.
//
// Included before the kernel by the compiler's command line. driver.cpp schedules the threads of a block as fibers.
// Stricter than a GPU, so that what passes here does not depend on luck there:
// - a thread that has returned may not be missed by __syncthreads, nor by a warp operation whose mask names it;
// - all threads of a block meet at __syncthreads of the same source line, all lanes of a mask at the same operation;
// - shared memory begins as 0xA5 in every byte.
// Not here: textures, streams, dynamic parallelism, clocks, __activemask, cooperative groups, half types.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct uchar2 { unsigned char x, y; };
struct uchar3 { unsigned char x, y, z; };
struct alignas(4) uchar4 { unsigned char x, y, z, w; };
struct alignas(4) ushort2 { unsigned short x, y; };
struct alignas(8) ushort4 { unsigned short x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct int3 { int x, y, z; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned int x, y; };
struct uint3 { unsigned int x, y, z; };
struct alignas(16) uint4 { unsigned int x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct float3 { float x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct dim3 { unsigned int x, y, z; };

inline uchar2 make_uchar2(unsigned char x, unsigned char y) { return {x, y}; }
inline uchar3 make_uchar3(unsigned char x, unsigned char y, unsigned char z) { return {x, y, z}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
inline ushort2 make_ushort2(unsigned short x, unsigned short y) { return {x, y}; }
inline ushort4 make_ushort4(unsigned short x, unsigned short y, unsigned short z, unsigned short w) {
  return {x, y, z, w};
}
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned int x, unsigned int y) { return {x, y}; }
inline uint3 make_uint3(unsigned int x, unsigned int y, unsigned int z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned int x, unsigned int y, unsigned int z, unsigned int w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

namespace cuda_on_cpu {

struct Position {  // of the thread that runs now
  uint3 thread, block;
  dim3 block_size, grid_size;
};
extern Position position;

enum class Operation { none, barrier, shuffle, vote, warp_barrier, match };

// Wait until all threads of the block are here, each with a value; the sum of the values.
int barrier(int line, int value);
// Wait until all lanes of the mask are here; their values by lane, valid until the thread's next operation.
const unsigned long long* exchange(Operation operation, int line, unsigned int mask, unsigned long long value);
unsigned int lane();
[[noreturn]] void fail(const char* problem);

template <class T>
unsigned long long as_word(T value) {
  static_assert(sizeof(T) <= sizeof(unsigned long long), "warp operations take numbers");
  unsigned long long word = 0;
  memcpy(&word, &value, sizeof value);
  return word;
}

template <class T>
T from_word(unsigned long long word) {
  T value;
  memcpy(&value, &word, sizeof value);
  return value;
}

// As the PTX instruction shfl: a lane outside of its segment leaves the value as it is.
template <class T>
T shuffle(int line, unsigned int mask, T value, int source, bool stays) {
  const unsigned long long* words = exchange(Operation::shuffle, line, mask, as_word(value));
  if (stays) return value;
  if (!(mask >> source & 1u)) fail("__shfl_*_sync reads from a lane that its mask does not name");
  return from_word<T>(words[source]);
}

inline int segment(int width) {
  if (width < 1 || width > 32 || (width & (width - 1))) fail("__shfl_*_sync: width must be a power of two up to 32");
  return static_cast<int>(lane()) & ~(width - 1);
}

template <class T>
T shuffle_index(int line, unsigned int mask, T value, int source, int width = 32) {
  return shuffle(line, mask, value, segment(width) + (source & (width - 1)), false);
}
template <class T>
T shuffle_up(int line, unsigned int mask, T value, unsigned int delta, int width = 32) {
  const int source = static_cast<int>(lane()) - static_cast<int>(delta);
  return shuffle(line, mask, value, source, source < segment(width));
}
template <class T>
T shuffle_down(int line, unsigned int mask, T value, unsigned int delta, int width = 32) {
  const int source = static_cast<int>(lane()) + static_cast<int>(delta);
  return shuffle(line, mask, value, source, source >= segment(width) + width);
}
template <class T>
T shuffle_xor(int line, unsigned int mask, T value, int bits, int width = 32) {
  const int source = static_cast<int>(lane()) ^ bits;
  return shuffle(line, mask, value, source, source >= segment(width) + width);
}

inline unsigned int ballot(int line, unsigned int mask, int predicate) {
  const unsigned long long* words = exchange(Operation::vote, line, mask, predicate != 0);
  unsigned int found = 0;
  for (int index = 0; index < 32; ++index) found |= mask >> index & 1u && words[index] ? 1u << index : 0u;
  return found;
}

template <class T>
unsigned int match_any(int line, unsigned int mask, T value) {
  const unsigned long long word = as_word(value);
  const unsigned long long* words = exchange(Operation::match, line, mask, word);
  unsigned int found = 0;
  for (int index = 0; index < 32; ++index) found |= mask >> index & 1u && words[index] == word ? 1u << index : 0u;
  return found;
}

// How a host calls a kernel: numbers by their addresses, and one letter a parameter to check them against.
template <class T> struct Letter;
template <class T> struct Letter<T*> { static constexpr char value = 'p'; };
template <> struct Letter<int> { static constexpr char value = 'i'; };
template <> struct Letter<unsigned int> { static constexpr char value = 'i'; };
template <> struct Letter<long> { static constexpr char value = 'l'; };
template <> struct Letter<unsigned long> { static constexpr char value = 'l'; };
template <> struct Letter<long long> { static constexpr char value = 'l'; };
template <> struct Letter<unsigned long long> { static constexpr char value = 'l'; };
template <> struct Letter<float> { static constexpr char value = 'f'; };
template <> struct Letter<double> { static constexpr char value = 'd'; };

template <class... Parameters>
struct Signature {
  static constexpr char letters[] = {Letter<Parameters>::value..., 0};
};
template <class... Parameters>
const char* letters(void (*)(Parameters...)) {
  return Signature<Parameters...>::letters;
}

template <int...> struct Numbers {};
template <int N, int... Tail> struct Count : Count<N - 1, N - 1, Tail...> {};
template <int... Tail> struct Count<0, Tail...> { using type = Numbers<Tail...>; };
template <class... Parameters, int... Index>
void call(void (*kernel)(Parameters...), void** arguments, Numbers<Index...>) {
  kernel(*static_cast<Parameters*>(arguments[Index])...);
}
template <class... Parameters>
void call(void (*kernel)(Parameters...), void** arguments) {
  call(kernel, arguments, typename Count<sizeof...(Parameters)>::type());
}

}  // namespace cuda_on_cpu

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__ thread_local  // of the one system thread that runs all of a block
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)

#define threadIdx (cuda_on_cpu::position.thread)
#define blockIdx (cuda_on_cpu::position.block)
#define blockDim (cuda_on_cpu::position.block_size)
#define gridDim (cuda_on_cpu::position.grid_size)
constexpr int warpSize = 32;

#define __syncthreads() ((void)cuda_on_cpu::barrier(__LINE__, 0))
#define __syncthreads_count(predicate) (cuda_on_cpu::barrier(__LINE__, (predicate) != 0))
#define __syncthreads_or(predicate) (cuda_on_cpu::barrier(__LINE__, (predicate) != 0) != 0)
#define __syncthreads_and(predicate) (cuda_on_cpu::barrier(__LINE__, (predicate) == 0) == 0)

inline unsigned int cuda_on_cpu_mask(unsigned int mask = 0xffffffffu) { return mask; }
#define __syncwarp(...) \
  ((void)cuda_on_cpu::exchange(cuda_on_cpu::Operation::warp_barrier, __LINE__, cuda_on_cpu_mask(__VA_ARGS__), 0))
#define __shfl_sync(...) (cuda_on_cpu::shuffle_index(__LINE__, __VA_ARGS__))
#define __shfl_up_sync(...) (cuda_on_cpu::shuffle_up(__LINE__, __VA_ARGS__))
#define __shfl_down_sync(...) (cuda_on_cpu::shuffle_down(__LINE__, __VA_ARGS__))
#define __shfl_xor_sync(...) (cuda_on_cpu::shuffle_xor(__LINE__, __VA_ARGS__))
#define __ballot_sync(mask, predicate) (cuda_on_cpu::ballot(__LINE__, mask, predicate))
#define __any_sync(mask, predicate) (cuda_on_cpu::ballot(__LINE__, mask, predicate) != 0)
#define __all_sync(mask, predicate) (cuda_on_cpu::ballot(__LINE__, mask, !(predicate)) == 0)
#define __match_any_sync(mask, value) (cuda_on_cpu::match_any(__LINE__, mask, value))

inline void __threadfence() {}
inline void __threadfence_block() {}
[[noreturn]] inline void __trap() { cuda_on_cpu::fail("__trap was called"); }

inline int __popc(unsigned int bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __ffsll(long long bits) { return __builtin_ffsll(bits); }
inline int __clz(int bits) { return bits ? __builtin_clz(static_cast<unsigned int>(bits)) : 32; }
inline int __clzll(long long bits) { return bits ? __builtin_clzll(static_cast<unsigned long long>(bits)) : 64; }
inline unsigned int __umulhi(unsigned int a, unsigned int b) {
  return static_cast<unsigned int>(static_cast<unsigned long long>(a) * b >> 32);
}

inline int __float_as_int(float value) { return cuda_on_cpu::from_word<int>(cuda_on_cpu::as_word(value)); }
inline unsigned int __float_as_uint(float value) { return static_cast<unsigned int>(cuda_on_cpu::as_word(value)); }
inline float __int_as_float(int bits) { return cuda_on_cpu::from_word<float>(cuda_on_cpu::as_word(bits)); }
inline float __uint_as_float(unsigned int bits) { return cuda_on_cpu::from_word<float>(bits); }
inline long long __double_as_longlong(double value) { return static_cast<long long>(cuda_on_cpu::as_word(value)); }
inline double __longlong_as_double(long long bits) {
  return cuda_on_cpu::from_word<double>(static_cast<unsigned long long>(bits));
}

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float value) { return sqrtf(value); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline int __float2int_rn(float value) { return static_cast<int>(rintf(value)); }
inline int __float2int_rz(float value) { return static_cast<int>(value); }
inline int __float2int_rd(float value) { return static_cast<int>(floorf(value)); }
inline int __float2int_ru(float value) { return static_cast<int>(ceilf(value)); }
inline float __saturatef(float value) { return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f; }

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned int min(unsigned int a, unsigned int b) { return a < b ? a : b; }
inline unsigned int max(unsigned int a, unsigned int b) { return a > b ? a : b; }
inline long long min(long long a, long long b) { return a < b ? a : b; }
inline long long max(long long a, long long b) { return a > b ? a : b; }
inline unsigned long long min(unsigned long long a, unsigned long long b) { return a < b ? a : b; }
inline unsigned long long max(unsigned long long a, unsigned long long b) { return a > b ? a : b; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

template <class T> T __ldg(const T* address) { return *address; }
template <class T> T __ldcs(const T* address) { return *address; }
template <class T> void __stcs(T* address, T value) { *address = value; }

// Threads change places at barriers only, so a plain read and write is atomic.
#define CUDA_ON_CPU_ATOMIC(name, type, result) \
  inline type name(type* address, type value) { \
    const type old = *address; \
    *address = static_cast<type>(result); \
    return old; \
  }
// Sums of signed numbers wrap round on a GPU.
CUDA_ON_CPU_ATOMIC(atomicAdd, int, static_cast<unsigned int>(old) + static_cast<unsigned int>(value))
CUDA_ON_CPU_ATOMIC(atomicAdd, unsigned int, old + value)
CUDA_ON_CPU_ATOMIC(atomicAdd, unsigned long long, old + value)
CUDA_ON_CPU_ATOMIC(atomicAdd, float, old + value)
CUDA_ON_CPU_ATOMIC(atomicAdd, double, old + value)
CUDA_ON_CPU_ATOMIC(atomicSub, int, static_cast<unsigned int>(old) - static_cast<unsigned int>(value))
CUDA_ON_CPU_ATOMIC(atomicSub, unsigned int, old - value)
#define CUDA_ON_CPU_ATOMICS(type) \
  CUDA_ON_CPU_ATOMIC(atomicMin, type, old < value ? old : value) \
  CUDA_ON_CPU_ATOMIC(atomicMax, type, old > value ? old : value) \
  CUDA_ON_CPU_ATOMIC(atomicAnd, type, old & value) \
  CUDA_ON_CPU_ATOMIC(atomicOr, type, old | value) \
  CUDA_ON_CPU_ATOMIC(atomicXor, type, old ^ value) \
  CUDA_ON_CPU_ATOMIC(atomicExch, type, value) \
  inline type atomicCAS(type* address, type expected, type value) { \
    const type old = *address; \
    if (old == expected) *address = value; \
    return old; \
  }
CUDA_ON_CPU_ATOMICS(int)
CUDA_ON_CPU_ATOMICS(unsigned int)
CUDA_ON_CPU_ATOMICS(unsigned long long)
CUDA_ON_CPU_ATOMIC(atomicMin, long long, old < value ? old : value)
CUDA_ON_CPU_ATOMIC(atomicMax, long long, old > value ? old : value)
CUDA_ON_CPU_ATOMIC(atomicExch, float, value)
