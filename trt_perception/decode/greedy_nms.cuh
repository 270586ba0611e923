// One block of threads: of boxes that overlap, the best stays. Boxes lie in shared memory, the best first.
#pragma once

#include "decode/choose_keys.cuh"

constexpr int WORDS = MAX_CANDIDATES / 32;
constexpr int BATCH = 64;  // boxes that are judged at once

struct Nms {  // in shared memory
  u32 alive[WORDS];        // bit p of word w: box 32 w + p has neither been kept nor lost yet
  u16 kept[MAX_CANDIDATES];
  int kept_count;
  int kept_before;                  // this batch
  int batch[BATCH];                 // boxes of the batch
  int batch_count;
  u64 rivals[BATCH]; // bit j of word i: box j of the batch is before box i and overlaps it
};

// Whether two boxes, x1 y1 x2 y2, overlap by more than `iou` in double precision.
__device__ inline bool overlap(const float4& a, const float4& b, double iou) {
  const float wide = fminf(a.z, b.z) - fmaxf(a.x, b.x);
  const float high = fminf(a.w, b.w) - fmaxf(a.y, b.y);
  if (!(wide > 0.0f && high > 0.0f)) return false;
  // Float's rounding moves either side by 2e-6 at most: only what lies closer together needs doubles, which most GPUs
  // compute 32 to 64 times more slowly.
  const float common = wide * high;
  const float all = (a.z - a.x) * (a.w - a.y) + (b.z - b.x) * (b.w - b.y) - common;
  if (common > 1e-15f && all < 1e15f) {
    const float limit = static_cast<float>(iou) * all;
    if (common > 1.00001f * limit) return true;
    if (common < 0.99999f * limit) return false;
  }
  const double ax = a.x, ay = a.y, az = a.z, aw = a.w;
  const double bx = b.x, by = b.y, bz = b.z, bw = b.w;
  const double intersection = (fmin(az, bz) - fmax(ax, bx)) * (fmin(aw, bw) - fmax(ay, by));
  const double both = (az - ax) * (aw - ay) + (bz - bx) * (bw - by) - intersection;
  return intersection / fmax(both, 2.2250738585072014e-308) > iou;
}

// The next boxes that are alive, by one warp.
__device__ inline void next_batch(Nms& nms) {
  constexpr int OWN = WORDS / 32;
  const int lane = threadIdx.x;
  int own = 0;
  for (int word = 0; word < OWN; ++word) own += __popc(nms.alive[lane * OWN + word]);
  int through = own;
  for (int distance = 1; distance < 32; distance *= 2) {
    const int other = __shfl_up_sync(ALL_LANES, through, distance);
    if (lane >= distance) through += other;
  }
  int place = through - own;
  for (int word = lane * OWN; word < (lane + 1) * OWN; ++word) {
    u32 bits = nms.alive[word];
    for (; bits && place < BATCH; bits &= bits - 1) nms.batch[place++] = word * 32 + __ffs(bits) - 1;
    nms.alive[word] = bits;
  }
  if (lane == 31) nms.batch_count = min(through, BATCH);
}

// Which boxes of the batch stay, by one warp; lane i judges boxes i and i + 32. A box is lost once one of its rivals
// stays, and stays once all of them are lost: the first undecided box can always be told.
__device__ inline u64 judge_batch(const Nms& nms) {
  const int lane = threadIdx.x;
  const u64 low = 1ull << lane, high = low << 32;
  const u64 low_rivals = lane < nms.batch_count ? nms.rivals[lane] : 0;
  const u64 high_rivals = lane + 32 < nms.batch_count ? nms.rivals[lane + 32] : 0;
  u64 open = nms.batch_count == BATCH ? ~0ull : (1ull << nms.batch_count) - 1, stay = 0;
  while (open) {
    const bool low_stays = open & low && !(low_rivals & (open | stay));
    const bool high_stays = open & high && !(high_rivals & (open | stay));
    const bool low_goes = open & low && low_rivals & stay;
    const bool high_goes = open & high && high_rivals & stay;
    const u64 staying =
        __ballot_sync(ALL_LANES, low_stays) | static_cast<u64>(__ballot_sync(ALL_LANES, high_stays)) << 32;
    const u64 going =
        __ballot_sync(ALL_LANES, low_goes) | static_cast<u64>(__ballot_sync(ALL_LANES, high_goes)) << 32;
    stay |= staying;
    open &= ~(staying | going);
  }
  return stay;
}

__device__ inline void keep(Nms& nms, u64 stay, int max_detections) {
  const int lane = threadIdx.x;
  const int before = nms.kept_count;
  __syncwarp();
#pragma unroll 1
  for (int index = lane; index < BATCH; index += 32) {
    const int place = before + __popcll(stay & ((1ull << index) - 1));
    if (stay >> index & 1 && place < max_detections) nms.kept[place] = static_cast<u16>(nms.batch[index]);
  }
  if (lane == 0) {
    nms.kept_before = before;
    nms.kept_count = min(before + __popcll(stay), max_detections);
  }
}

// Keeps at most `max_detections` of the boxes that are alive; leaves their positions in nms.kept, the best first.
__device__ inline void greedy_nms(Nms& nms, const float4* boxes, const int* class_ids, int count, double iou,
                                  int max_detections) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  while (true) {
    if (warp == 0) next_batch(nms);
    __syncthreads();
    if (nms.batch_count == 0) return;
    for (int row = warp; row < nms.batch_count; row += WARPS) {
      const int own = nms.batch[row];
      u64 rivals = 0;
      for (int start = 0; start < row; start += 32) {
        const int column = start + lane;
        bool is_rival = false;
        if (column < row) {
          const int other = nms.batch[column];
          is_rival = class_ids[other] == class_ids[own] && overlap(boxes[other], boxes[own], iou);
        }
        rivals |= static_cast<u64>(__ballot_sync(ALL_LANES, is_rival)) << start;
      }
      if (lane == 0) nms.rivals[row] = rivals;
    }
    __syncthreads();
    if (warp == 0) keep(nms, judge_batch(nms), max_detections);
    __syncthreads();
    if (nms.kept_count == max_detections) return;
    for (int first = 32 * warp; first < count; first += THREADS) {
      const u32 word = nms.alive[first / 32];
      if (!word) continue;
      bool is_lost = false;
      if (word >> lane & 1) {
        const float4 own = boxes[first + lane];
        const int class_id = class_ids[first + lane];
        for (int index = nms.kept_before; index < nms.kept_count && !is_lost; ++index) {
          const int other = nms.kept[index];
          is_lost = class_ids[other] == class_id && overlap(boxes[other], own, iou);
        }
      }
      const u32 lost = __ballot_sync(ALL_LANES, is_lost);
      if (lane == 0) nms.alive[first / 32] = word & ~lost;
    }
    __syncthreads();
  }
}
