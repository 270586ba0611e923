// What no kernel of the package does, to see what becomes of the process.

extern "C" __global__ void illegal_address(volatile int* memory) { memory[1ull << 40] = 1; }

extern "C" __global__ void misaligned_address(volatile int* memory) {
  *reinterpret_cast<volatile int*>(reinterpret_cast<unsigned long long>(memory) + 1) = 1;
}

extern "C" __global__ void trap(volatile int* memory) {
  if (memory[0] == 0) __trap();
}

// Ends when somebody writes to memory that nobody writes to.
extern "C" __global__ void endless(volatile int* memory) {
  while (memory[0] == 0) {
  }
}

// Takes about the given number of clock cycles.
extern "C" __global__ void slow(volatile int* memory, long long cycles) {
  const long long start = clock64();
  while (clock64() - start < cycles) {
  }
  memory[1] = 1;
}
