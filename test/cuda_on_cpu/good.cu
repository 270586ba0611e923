// What kernels do with each other's threads.
#include "kernels/common.cuh"

extern "C" __global__ void arguments(int* out, int a, i64 b, float c, double d, const unsigned char* text) {
  out[0] = a;
  out[1] = static_cast<int>(b >> 32);
  out[2] = static_cast<int>(c * 2.0f);
  out[3] = static_cast<int>(d * 4.0);
  out[4] = text[1];
  out[5] = SCALE;
}

extern "C" __global__ void indices(int* out) {
  const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}

// Sum of each block by shuffles and shared memory.
extern "C" __global__ void block_sums(const float* values, int count, double* sums) {
  __shared__ double parts[32];
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  double sum = index < count ? values[index] : 0.0;
  for (int delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(0xffffffffu, sum, delta);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < blockDim.x / 32; ++warp) sum += parts[warp];
    sums[blockIdx.x] = sum;
  }
}

// Reverses each block's part in dynamic shared memory.
extern "C" __global__ void reversed(const int* values, int* out) {
  extern __shared__ __align__(16) int kept[];
  const int start = blockIdx.x * blockDim.x;
  kept[threadIdx.x] = values[start + threadIdx.x];
  __syncthreads();
  out[start + threadIdx.x] = kept[blockDim.x - 1 - threadIdx.x];
}

template <int N>
__device__ __forceinline__ void keep(int (&all)[N], int lane, int value) { all[lane] = value; }

// Every operation of a warp; `out` has 12 rows of 32.
extern "C" __global__ void warp_operations(int* out) {
  __shared__ int seen[32];
  const int lane = threadIdx.x;
  const unsigned int all = 0xffffffffu;
  int* row = out + lane;
  row[0 * 32] = __shfl_sync(all, lane * 10, lane + 1);
  row[1 * 32] = __shfl_up_sync(all, lane, 3);
  row[2 * 32] = __shfl_down_sync(all, lane, 3, 8);
  row[3 * 32] = __shfl_xor_sync(all, lane, 5);
  row[4 * 32] = __ballot_sync(all, lane % 3 == 0);
  row[5 * 32] = __any_sync(all, lane == 40);
  row[6 * 32] = __all_sync(all, lane < 32);
  row[7 * 32] = __popc(__match_any_sync(all, lane / 4));
  keep(seen, lane, lane * lane);
  __syncwarp();
  row[8 * 32] = seen[31 - lane];
  if (lane < 16) {
    row[9 * 32] = __ballot_sync(0x0000ffffu, lane & 1);
  } else {
    row[9 * 32] = __ballot_sync(0xffff0000u, lane & 2);
  }
  row[10 * 32] = __shfl_sync(all, 1ull << 40 | lane, 7) >> 8;
  row[11 * 32] = __float_as_int(__shfl_sync(all, lane * 0.5f, 9));
}

extern "C" __global__ void votes(int* out) {
  const int index = threadIdx.x;
  const int count = __syncthreads_count(index % 5 == 0);
  const int any = __syncthreads_or(index == 77);
  const int all = __syncthreads_and(index < 77);
  if (index == 0) {
    out[0] = count;
    out[1] = any;
    out[2] = all;
  }
}

extern "C" __global__ void clear(int* counts, int size) {
  if (threadIdx.x < size) counts[threadIdx.x] = 0;
}

// A histogram, and the largest, the smallest and the best of all blocks by atomics.
extern "C" __global__ void tally(const int* values, int count, int* counts, int* extremes, u64* best, float* sum) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index >= count) return;
  const int value = values[index];
  atomicAdd(&counts[value & 7], 1);
  atomicMin(&extremes[0], value);
  atomicMax(&extremes[1], value);
  atomicOr(&extremes[2], value);
  atomicMax(best, rank_key(static_cast<float>(value), index));
  atomicAdd(sum, 1.0f);
  int old = extremes[3];
  for (int seen = -1; seen != old;) {
    seen = old;
    old = atomicCAS(&extremes[3], seen, seen + 2);
  }
}

// No fused multiply-add: the product is rounded first.
extern "C" __global__ void products(const float* a, const float* b, const float* c, float* out) {
  const int index = threadIdx.x;
  out[index] = a[index] * b[index] + c[index];
}
