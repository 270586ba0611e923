#pragma once

// The nearest float to e^value, or one beside it: in double precision every GPU and CPU gives the same, and NumPy's own
// float32 is at most a few units of the last place away.
__device__ __forceinline__ float exponential(float value) {
  return static_cast<float>(exp(static_cast<double>(value)));
}
