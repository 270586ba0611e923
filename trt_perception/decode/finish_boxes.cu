// From the candidates that a scan has left to the boxes of a result, by one block of threads.
// A block alone waits for every instruction that it meets first: loops of few turns are not unrolled.
// Defines: VALUE, the type of the boxes; BOXES, how they are meant; IS_PAIRS, where a candidate's index is that of a row
// times a class; STRIDES for CELLS.
#include "decode/exponential.cuh"
#include "decode/greedy_nms.cuh"

#define CENTRES 1    // x y w h in network pixels; NMS follows
#define CELLS 2      // x y in cells of a grid, w h as logarithms of them; NMS follows
#define CORNERS 3    // x1 y1 x2 y2 in network pixels; no NMS
#define FRACTIONS 4  // cx cy w h as fractions of the network's size; no NMS
#ifndef STRIDES
#define STRIDES 1
#endif
constexpr bool HAS_NMS = BOXES == CENTRES || BOXES == CELLS;

struct Finish {  // shared memory; keys are done with before boxes come
  union {
    struct {
      u64 keys[MAX_CANDIDATES];
      KeyChoice choice;
    };
    float4 boxes[MAX_CANDIDATES];
  };
  int class_ids[MAX_CANDIDATES];
  Nms nms;
  u32 count, not_finite[2], foreign, is_bad;
};

struct Transform {  // of network pixels into those of the image
  double offset_x, offset_y, scale_x, scale_y, origin_x, origin_y, width, height;

  __device__ float x(float value) const { return clamped((value - offset_x) * scale_x + origin_x, width); }
  __device__ float y(float value) const { return clamped((value - offset_y) * scale_y + origin_y, height); }
  __device__ float4 box(const float4& corners) const {
    return make_float4(x(corners.x), y(corners.y), x(corners.z), y(corners.w));
  }

 private:
  __device__ static float clamped(double value, double limit) { return static_cast<float>(fmin(fmax(value, 0.0), limit)); }
};

__device__ float4 corners_of(float x, float y, float width, float height) {
  return make_float4(x - width / 2, y - height / 2, x + width / 2, y + height / 2);
}

__device__ float nearest(double value) {
  constexpr double limit = 3.4028234663852886e38;
  return static_cast<float>(fmin(fmax(value, -limit), limit));
}

// In network pixels.
__device__ float4 box_at(const VALUE* values, i64 row_step, i64 side_step, int row, int width, int height) {
  float sides[4];
  for (int side = 0; side < 4; ++side) sides[side] = to_float(values[row * row_step + side * side_step]);
  if (BOXES == CENTRES) return corners_of(sides[0], sides[1], sides[2], sides[3]);
  if (BOXES == CORNERS) return make_float4(sides[0], sides[1], sides[2], sides[3]);
  if (BOXES == FRACTIONS) {  // in doubles, in which sums and products of any float are finite
    const double half_width = sides[2] / 2.0, half_height = sides[3] / 2.0;
    return make_float4(nearest((sides[0] - half_width) * width), nearest((sides[1] - half_height) * height),
                       nearest((sides[0] + half_width) * width), nearest((sides[1] + half_height) * height));
  }
  constexpr int strides[] = {STRIDES};
  int cell = row, stride = 1, columns = 1;
  for (int index = 0; index < static_cast<int>(sizeof strides / sizeof *strides); ++index) {
    stride = strides[index];
    columns = width / stride;
    const int cells = columns * (height / stride);
    if (cell < cells) break;
    cell -= cells;
  }
  return corners_of((sides[0] + cell % columns) * stride, (sides[1] + cell / columns) * stride,
                    exponential(sides[2]) * stride, exponential(sides[3]) * stride);
}

// What the scan counted, summed; the keys too, if there are not too many.
__device__ void read_records(Finish& shared, const ScanRecord* records, int record_count, int segment,
                             const u64* keys) {
  for (int index = threadIdx.x; index < record_count; index += THREADS) {
    const ScanRecord& record = records[index];
    for (int output = 0; output < 2; ++output) {
      if (record.not_finite[output]) atomicAdd(&shared.not_finite[output], record.not_finite[output]);
    }
    if (record.foreign != NONE) atomicMin(&shared.foreign, record.foreign);
    if (record.candidates == 0) continue;
    const u32 place = atomicAdd(&shared.count, record.candidates);
    if (place + record.candidates > MAX_CANDIDATES) continue;
    for (u32 key = 0; key < record.candidates; ++key) {
      shared.keys[place + key] = keys[static_cast<size_t>(index) * segment + key];
    }
  }
  __syncthreads();
}

__device__ bool reaches_limit(u64 key, int classes, const Limits* limits) {
  return rank_score(key) >= lowest_scores(limits)[rank_index(key) % classes];
}

// The best candidates' keys into shared memory when there are too many; returns how many. Rare, so kept out of the way
// of the instructions that every frame runs.
__device__ __noinline__ int choose_best(Finish& shared, const ScanRecord* records, int record_count, int segment,
                           const u64* keys, u64* spare, int rows, int classes,
                           const Limits* limits) {
  int count = shared.count;
  __syncthreads();
  if (threadIdx.x == 0) shared.count = 0;
  __syncthreads();
  for (int index = threadIdx.x; index < record_count; index += THREADS) {
    const u32 candidates = records[index].candidates;
    if (candidates == 0) continue;
    u64* place = spare + atomicAdd(&shared.count, candidates);
#pragma unroll 4
    for (u32 key = 0; key < candidates; ++key) place[key] = keys[static_cast<size_t>(index) * segment + key];
  }
  __syncthreads();
  if (IS_PAIRS) {
    const u64 last = count > rows ? nth_key(shared.choice, spare, count, rows) : 0;
    u64* rest = spare + count;
    if (threadIdx.x == 0) shared.count = 0;
    __syncthreads();
    for (int index = threadIdx.x; index < count; index += THREADS) {
      const u64 key = spare[index];
      if (key >= last && reaches_limit(key, classes, limits)) rest[atomicAdd(&shared.count, 1u)] = key;
    }
    __syncthreads();
    count = shared.count;
    spare = rest;
  }
  const u64 last =
      count > MAX_CANDIDATES ? nth_key(shared.choice, spare, count, MAX_CANDIDATES) : 0;
  __syncthreads();
  if (threadIdx.x == 0) shared.count = 0;
  __syncthreads();
  for (int index = threadIdx.x; index < count; index += THREADS) {
    if (spare[index] >= last) shared.keys[atomicAdd(&shared.count, 1u)] = spare[index];
  }
  __syncthreads();
  return shared.count;
}

// The first boxes that are alive, in their order, by one warp: what NMS does where nothing overlaps.
__device__ void keep_all(Nms& nms, int count, int max_detections) {
  int kept = 0;
#pragma unroll 1
  for (int first = 0; first < count; first += 32) {
    const u32 word = nms.alive[first / 32];
    const int place = kept + __popc(word & ((1u << threadIdx.x) - 1));
    if (word >> threadIdx.x & 1 && place < max_detections) nms.kept[place] = first + threadIdx.x;
    kept += __popc(word);
  }
  if (threadIdx.x == 0) nms.kept_count = min(kept, max_detections);
}

extern "C" __global__ void __launch_bounds__(THREADS)
finish_boxes(const VALUE* values, i64 row_step, i64 side_step, int rows, int classes, int network_width,
             int network_height, const ScanRecord* records, int record_count, int segment,
             const u64* keys, u64* spare, u64* sorted,
             const int* class_ids, const Limits* limits, double offset_x, double offset_y, double scale_x,
             double scale_y, double origin_x, double origin_y, double width, double height, BoxHeader* header,
             float4* result_boxes, float* result_scores, int* result_class_ids, int* result_positions) {
  __shared__ Finish shared;
  const Transform transform = {offset_x, offset_y, scale_x, scale_y, origin_x, origin_y, width, height};
  const int thread = threadIdx.x;
  if (thread == 0) {
    shared.count = shared.not_finite[0] = shared.not_finite[1] = shared.is_bad = 0;
    shared.foreign = NONE;
    shared.nms.kept_count = 0;
  }
  __syncthreads();
  read_records(shared, records, record_count, segment, keys);
  int count = shared.count;
  if (count > MAX_CANDIDATES || (IS_PAIRS && count > rows)) {
    count = choose_best(shared, records, record_count, segment, keys, spare, rows, classes, limits);
  }
  sort_keys(shared.keys, count);
  // Boxes will lie where the keys are. Of the first 512, usually all, threads need not wait for memory.
  const u64 own_key = thread < count ? shared.keys[thread] : 0;
#pragma unroll 1
  for (int place = thread; place < count; place += THREADS) sorted[place] = shared.keys[place];
  for (int word = thread; word < WORDS; word += THREADS) shared.nms.alive[word] = 0;
  __syncthreads();

  for (int first = thread & ~31; first < count; first += THREADS) {  // a warp together, for the ballot
    const int place = first + thread % 32;
    bool is_seen = false;
    if (place < count) {
      const u64 key = place == thread ? own_key : sorted[place];
      const u32 index = rank_index(key);
      const int row = IS_PAIRS ? index / classes : index;
      const float4 box = box_at(values, row_step, side_step, row, network_width, network_height);
      if (!(is_finite(box.x) && is_finite(box.y) && is_finite(box.z) && is_finite(box.w))) atomicOr(&shared.is_bad, 1u);
      const float4 seen = transform.box(box);
      is_seen = seen.z > seen.x && seen.w > seen.y;
      if (IS_PAIRS) is_seen = is_seen && reaches_limit(key, classes, limits);
      shared.boxes[place] = box;
      shared.class_ids[place] = IS_PAIRS ? index % classes : class_ids[index];
    }
    const u32 seen = __ballot_sync(ALL_LANES, is_seen);
    if (thread % 32 == 0) shared.nms.alive[first / 32] = seen;
  }
  __syncthreads();

  const bool is_foreign = shared.foreign != NONE;
  const i64 declared = records[0].declared;
  const bool is_bad = shared.not_finite[0] || shared.not_finite[1] || is_foreign || shared.is_bad;
  if (!is_bad) {
    if (HAS_NMS) {
      greedy_nms(shared.nms, shared.boxes, shared.class_ids, count, limits->iou, limits->max_detections);
    } else if (thread < 32) {
      keep_all(shared.nms, count, limits->max_detections);
    }
  }
  __syncthreads();
  const int kept = shared.nms.kept_count;
#pragma unroll 1
  for (int index = thread; index < kept; index += THREADS) {
    const int place = shared.nms.kept[index];
    const u64 key = sorted[place];
    result_boxes[index] = transform.box(shared.boxes[place]);
    result_scores[index] = rank_score(key);
    result_class_ids[index] = shared.class_ids[place];
    result_positions[index] = IS_PAIRS ? rank_index(key) / classes : rank_index(key);
  }
  if (thread == 0) {
    header->count = kept;
    header->not_finite[0] = shared.not_finite[0];
    header->not_finite[1] = shared.not_finite[1];
    header->bad_boxes = shared.is_bad;
    header->has_foreign = is_foreign;
    header->reserved = 0;
    header->foreign = is_foreign ? records[shared.foreign / segment].foreign_bits : 0;
    header->declared = declared;
  }
}
