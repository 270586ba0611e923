// One block of threads: the best of any number of keys, and their order. Larger keys are better; none is 0.
#pragma once

#include "decode/box_memory.cuh"

constexpr int THREADS = 512;
constexpr int WARPS = THREADS / 32;
constexpr int MAX_CANDIDATES = 2048;
constexpr int DIGIT_BITS = 11;
constexpr int BINS = 1 << DIGIT_BITS;
constexpr u32 ALL_LANES = 0xffffffffu;

struct KeyChoice {  // in shared memory
  u32 bins[BINS];
  u32 warp_totals[WARPS];
  u64 lowest, highest;
  u32 digit, before, inside;
};

// The `wanted`-th largest of `count` different keys, wanted <= count: radix selection from the highest bit that differs.
__device__ __noinline__ inline u64 nth_key(KeyChoice& choice, const u64* keys, int count,
                                             u32 wanted) {
  const int thread = threadIdx.x;
  if (thread == 0) {
    choice.lowest = ~0ull;
    choice.highest = 0;
  }
  __syncthreads();
  u64 lowest = ~0ull, highest = 0;
  for (int index = thread; index < count; index += THREADS) {
    lowest = min(lowest, keys[index]);
    highest = max(highest, keys[index]);
  }
  atomicMin(&choice.lowest, lowest);
  atomicMax(&choice.highest, highest);
  __syncthreads();

  // Of the keys that share all bits from `bits` on with `prefix`, the `wanted`-th is looked for.
  int bits = 64 - __clzll(choice.lowest ^ choice.highest);  // below 64: scores are positive, their highest bits equal
  u64 prefix = ~choice.highest >> bits;  // keys are looked at inverted, so that the first are the best
  while (bits > 0) {
    const int digit_bits = min(bits, DIGIT_BITS);
    const int shift = bits - digit_bits;
    for (int bin = thread; bin < BINS; bin += THREADS) choice.bins[bin] = 0;
    __syncthreads();
#pragma unroll 4
    for (int index = thread; index < count; index += THREADS) {
      const u64 key = ~keys[index];
      if (key >> bits == prefix) atomicAdd(&choice.bins[key >> shift & ((1u << digit_bits) - 1)], 1u);
    }
    __syncthreads();

    constexpr int OWN = BINS / THREADS;
    u32 own = 0;
    for (int bin = 0; bin < OWN; ++bin) own += choice.bins[thread * OWN + bin];
    u32 through = own;  // keys in the bins of this lane and the lanes before
    for (int distance = 1; distance < 32; distance *= 2) {
      const u32 other = __shfl_up_sync(ALL_LANES, through, distance);
      if (thread % 32 >= distance) through += other;
    }
    if (thread % 32 == 31) choice.warp_totals[thread / 32] = through;
    __syncthreads();
    u32 before = through - own;
    for (int warp = 0; warp < thread / 32; ++warp) before += choice.warp_totals[warp];
    if (before < wanted && wanted <= before + own) {
      int bin = thread * OWN;
      while (before + choice.bins[bin] < wanted) before += choice.bins[bin++];
      choice.digit = bin;
      choice.before = before;
      choice.inside = choice.bins[bin];
    }
    __syncthreads();
    prefix = prefix << digit_bits | choice.digit;
    wanted -= choice.before;
    bits = shift;
    if (choice.inside == wanted) break;  // the last one of its bin: nothing below it has to be told apart
    __syncthreads();
  }
  __syncthreads();
  return ~(prefix << bits | ((1ull << bits) - 1));
}

// Bitonic sort of `count` keys in shared memory, which has room for the next power of two; the largest comes first.
__device__ inline void sort_keys(u64* keys, int count) {
  int padded = 2;
  while (padded < count) padded *= 2;
#pragma unroll 1
  for (int index = count + threadIdx.x; index < padded; index += THREADS) keys[index] = 0;
  __syncthreads();
  for (int size = 2; size <= padded; size *= 2) {
    for (int stride = size / 2; stride > 0; stride /= 2) {
#pragma unroll 1
      for (int pair = threadIdx.x; pair < padded / 2; pair += THREADS) {
        const int first = 2 * pair - (pair & (stride - 1));
        const u64 one = keys[first], other = keys[first + stride];
        if (one < other == !(first & size)) {
          keys[first] = other;
          keys[first + stride] = one;
        }
      }
      // Up to this stride a warp stays among the 64 keys of its own 32 pairs.
      const int next = stride > 1 ? stride / 2 : size;
      if (stride <= 32 && next <= 32) {
        __syncwarp();
      } else {
        __syncthreads();
      }
    }
  }
  __syncthreads();
}
