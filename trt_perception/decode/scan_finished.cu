// Candidates among boxes that the model has finished: a score and a class number each, in tensors of their own or in
// columns of one. Rows below every limit are not looked at: models fill up with whatever they like.
// Defines: BOX, SCORE, CLASS_ID and COUNT, the tensors' types; IS_JOINED, where all are columns of one tensor.
#include "decode/box_scan.cuh"

__device__ float to_number(float value) { return value; }
__device__ float to_number(Half value) { return to_float(value); }
template <class Integer>
__device__ i64 to_number(Integer value) {
  return value;
}

__device__ bool is_class(float number, int classes) {
  return number >= 0.0f && number < classes && number == floorf(number);
}

__device__ bool is_class(i64 number, int classes) { return number >= 0 && number < classes; }

template <class Number>
__device__ u64 bits_of(const Number* number) {
  const u8* bytes = reinterpret_cast<const u8*>(number);
  u64 bits = 0;
  for (int index = 0; index < static_cast<int>(sizeof(Number)); ++index) {
    bits |= static_cast<u64>(bytes[index]) << 8 * index;
  }
  return bits;
}

// `counted` holds the number of rows that mean anything, 0 if all do.
extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
scan_finished(const BOX* boxes, int box_step, const SCORE* scores, int score_step, const CLASS_ID* numbers,
              int number_step, const COUNT* counted, int rows, int classes, const Limits* limits, ScanRecord* records,
              u64* keys, int* class_ids) {
  __shared__ ScanRecord shared;
  Scan scan(&shared, keys + static_cast<size_t>(blockIdx.x) * SCAN_THREADS);
  const i64 declared = counted ? static_cast<i64>(*counted) : rows;
  const int seen = declared >= 0 && declared <= rows ? static_cast<int>(declared) : 0;

  const int row = blockIdx.x * SCAN_THREADS + threadIdx.x;
  if (row < seen) {
    const float score = to_float(scores[static_cast<size_t>(row) * score_step]);
    const auto number = to_number(numbers[static_cast<size_t>(row) * number_step]);
    u32 not_finite = 0;
    for (int side = 0; side < 4; ++side) {
      not_finite += !is_finite(to_float(boxes[static_cast<size_t>(row) * box_step + side]));
    }
    if (IS_JOINED) not_finite += !is_finite(static_cast<float>(number));
    scan.count_not_finite(0, not_finite);
    scan.count_not_finite(IS_JOINED ? 0 : 1, !is_finite(score));
    if (score >= limits->least && score > 0.0f) {
      if (!is_class(number, classes)) {
        scan.add_foreign(row);
      } else if (score >= lowest_scores(limits)[static_cast<int>(number)]) {
        class_ids[row] = static_cast<int>(number);
        scan.add(score, row);
      }
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    shared.declared = declared;
    if (shared.foreign != NONE) {
      shared.foreign_bits = bits_of(numbers + static_cast<size_t>(shared.foreign) * number_step);
    }
  }
  scan.close(records + blockIdx.x);
}
