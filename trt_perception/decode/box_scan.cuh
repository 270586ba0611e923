// What the kernels that look for candidates share. A block has 256 threads and leaves one record.
#pragma once

#include "decode/box_memory.cuh"

constexpr int SCAN_THREADS = 256;
constexpr u32 ALL_LANES = 0xffffffffu;

// The best class of one candidate so far: of equal values the first class.
struct Best {
  float value = __int_as_float(0xff800000);
  int class_id = 0x7fffffff;

  // Classes come in ascending order.
  __device__ __forceinline__ void offer(float other, int other_class) {
    if (other > value) {
      value = other;
      class_id = other_class;
    }
  }

  // In any order.
  __device__ __forceinline__ void merge(float other, int other_class) {
    if (other > value || (other == value && other_class < class_id)) {
      value = other;
      class_id = other_class;
    }
  }
};

// The record of a block, in shared memory until it is done. All threads make it, add to it and close it.
class Scan {
 public:
  __device__ Scan(ScanRecord* shared, u64* segment) : found(shared), keys(segment) {
    if (is_first_thread()) {
      found->candidates = 0;
      found->not_finite[0] = found->not_finite[1] = 0;
      found->foreign = NONE;
      found->foreign_bits = 0;
      found->declared = 0;
    }
    __syncthreads();
  }

  // In no particular order: keys are sorted later, and no two are equal.
  __device__ void add(float score, u32 index) {
    keys[atomicAdd(&found->candidates, 1u)] = rank_key(score, index);
  }

  __device__ void count_not_finite(int output, u32 values) {
    if (values) atomicAdd(&found->not_finite[output], values);
  }

  __device__ void add_foreign(u32 row) { atomicMin(&found->foreign, row); }

  __device__ void close(ScanRecord* record) {
    __syncthreads();
    if (is_first_thread()) *record = *found;
  }

 private:
  __device__ static bool is_first_thread() { return threadIdx.x == 0 && threadIdx.y == 0; }

  ScanRecord* found;
  u64* keys;
};

// Values of `count` that are not finite, of those that blocks `first_block` and later look at, 16 a thread.
template <class Value>
__device__ u32 not_finite_of(const Value* values, int count, int first_block) {
  const int thread = threadIdx.y * blockDim.x + threadIdx.x;
  const int step = (gridDim.x - first_block) * SCAN_THREADS;
  u32 found = 0;
#pragma unroll 8
  for (int index = (blockIdx.x - first_block) * SCAN_THREADS + thread; index < count; index += step) {
    found += !is_finite(to_float(values[index]));
  }
  return found;
}
