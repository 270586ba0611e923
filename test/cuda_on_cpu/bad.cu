// What no kernel may do, each in a way of its own.

extern "C" __global__ void copy(const int* values, int* out, int count, int shift) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index < count) out[index + shift] = values[index];
}

extern "C" __global__ void barrier_in_a_branch(int* out) {
  if (threadIdx.x < 16) __syncthreads();
  out[threadIdx.x] = 1;
}

extern "C" __global__ void two_barriers(int* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}

extern "C" __global__ void early_return(int* out) {
  if (threadIdx.x == 63) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

extern "C" __global__ void ballot_in_a_branch(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
}

extern "C" __global__ void two_operations(int* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
  } else {
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
  }
}

extern "C" __global__ void barrier_against_warp(int* out) {
  if (threadIdx.x == 0) __syncthreads();
  __syncwarp();
  out[threadIdx.x] = 1;
}

extern "C" __global__ void foreign_mask(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __ballot_sync(0xffff0000u, 1);
}

extern "C" __global__ void race(int* out) {
  __shared__ int values[64];
  values[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = values[63 - threadIdx.x];
}

extern "C" __global__ void dynamic_overrun(int* out) {
  extern __shared__ int kept[];
  kept[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = kept[threadIdx.x];
}

extern "C" __global__ void static_overrun(int* out, int shift) {
  __shared__ int kept[32];
  kept[threadIdx.x + shift] = 1;
  __syncthreads();
  out[threadIdx.x] = kept[threadIdx.x];
}

extern "C" __global__ void misaligned(const unsigned char* bytes, int* out) {
  out[0] = *reinterpret_cast<const int*>(bytes + 1);
}

extern "C" __global__ void trap(int* out) {
  if (out[0] == 7) __trap();
}

extern "C" __global__ void endless(volatile int* out) {
  while (out[0] == 7) {
  }
}

extern "C" __global__ void deep_stack(int* out) {
  volatile unsigned char much[200 * 1024];
  for (int index = 0; index < 200 * 1024; ++index) much[index] = 1;
  out[threadIdx.x] = much[out[0] & 1];
}
