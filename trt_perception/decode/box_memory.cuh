// What the kernels that find boxes leave for each other. box_limits.py, box_scan.py and box_block.py say the same.
#pragma once

#include "decode/element.cuh"

// Limits of one pipeline's detections. The lowest score of each class follows behind it.
struct Limits {
  double iou;          // overlap up to which two boxes of a class both stay
  int max_detections;
  float least;         // lowest of the scores
  float least_logit;   // whose sigmoid is a little below it
  int reserved[3];
};

__device__ __forceinline__ const float* lowest_scores(const Limits* limits) {
  return reinterpret_cast<const float*>(limits + 1);
}

// What one block of a scan found. Its candidates' keys lie in a segment of its own, so nothing has to be cleared.
struct __align__(16) ScanRecord {
  u32 candidates;
  u32 not_finite[2];      // values of the first and second checked output that are NaN or infinite
  u32 foreign;            // first row with a class number that does not exist, or NONE
  u64 foreign_bits; // that number as it lies in its tensor
  i64 declared;              // in the first record: number of boxes that the model itself gives
};

constexpr u32 NONE = 0xffffffffu;

struct __align__(16) BoxHeader {
  int count;
  u32 not_finite[2];
  u32 bad_boxes;
  u32 has_foreign;
  u32 reserved;
  u64 foreign;
  i64 declared;
};
