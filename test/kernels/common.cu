#include "kernels/common.cuh"

extern "C" __global__ void halves(const u16* words, float* numbers, const float* values, u16* rounded, int count) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index >= count) return;
  numbers[index] = half_to_float(words[index]);
  rounded[index] = float_to_half(values[index]);
}

extern "C" __global__ void keys(const float* scores, u64* out, float* back, u32* indices, int count) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index >= count) return;
  out[index] = rank_key(scores[index], index);
  back[index] = rank_score(out[index]);
  indices[index] = rank_index(out[index]);
}
