// Runs launches of kernels in a child process: what a kernel does wrong ends the child, and the report says where it was.
//
// Blocks run one after another; the threads of a block are fibers that change places at barriers and warp operations.
#include "cuda_on_cpu.h"

#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

using namespace cuda_on_cpu;

namespace {

constexpr unsigned char FILL = 0xA5;
constexpr size_t STACK_BYTES = 128 * 1024;
constexpr size_t CANARY_BYTES = 64;  // at the end of each stack, that nobody may write
constexpr size_t PAGE = 4096;
constexpr unsigned int MAX_THREADS = 1024;

enum class State { ready, at_barrier, at_warp, done };

}  // namespace

extern "C" {

struct Report {  // lies in memory that parent and child share
  int launch;
  uint3 block, thread;
  uint64_t fault_address;
  char problem[512];
};

struct Launch {
  void (*call)(void** arguments);
  void** arguments;
  unsigned int grid[3];
  unsigned int block[3];
  unsigned int shared_bytes;
  unsigned int dynamic_bytes;       // how much the module has room for
  unsigned char* (*dynamic)(int);   // its dynamic shared arrays, until null; may itself be null
  unsigned char* (*anchor)();       // any thread-local variable of the module
};

}  // extern "C"

namespace cuda_on_cpu {
Position position;
}

namespace {

struct Fiber {
  jmp_buf context;
  ucontext_t start;
  bool is_started;
  State state;
  uint3 thread;
  Operation operation;
  int line;
  unsigned int mask;
  unsigned long long value;
  unsigned long long words[32];
};

Fiber fibers[MAX_THREADS];
unsigned char* stacks;
jmp_buf scheduler;
ucontext_t ended;
const Launch* launch;
Report* report;
unsigned int current, thread_count, done_count;
unsigned int barrier_count;
int barrier_sum, barrier_result;

const char* words_for(Operation operation) {
  switch (operation) {
    case Operation::shuffle: return "__shfl_*_sync";
    case Operation::vote: return "a vote";
    case Operation::warp_barrier: return "__syncwarp";
    case Operation::match: return "__match_any_sync";
    default: return "__syncthreads";
  }
}

__attribute__((format(printf, 1, 2), noreturn)) void stop(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(report->problem, sizeof report->problem, format, arguments);
  va_end(arguments);
  report->thread = position.thread;
  _exit(3);
}

void switch_back() {
  if (!_setjmp(fibers[current].context)) _longjmp(scheduler, 1);
}

void check_end() {
  if (barrier_count) stop("barrier divergence: this thread returns while others wait at __syncthreads");
  const unsigned int first = current & ~31u;
  for (unsigned int index = first; index < first + 32 && index < thread_count; ++index) {
    const Fiber& other = fibers[index];
    if (other.state == State::at_warp && other.mask >> (current & 31) & 1u) {
      stop("warp divergence: this thread returns while lane %u waits for it in line %d at %s", index & 31, other.line,
           words_for(other.operation));
    }
  }
}

void check_stack() {
  const unsigned char* end = stacks + current * STACK_BYTES;
  for (size_t index = 0; index < CANARY_BYTES; ++index) {
    if (end[index] != FILL) stop("uses more than the %zu KiB of stack that a thread has", STACK_BYTES / 1024);
  }
}

void fiber_main() {
  for (;;) {
    launch->call(launch->arguments);
    check_stack();
    check_end();
    fibers[current].state = State::done;
    ++done_count;
    switch_back();
  }
}

void resume(unsigned int index) {
  current = index;
  Fiber& fiber = fibers[index];
  position.thread = report->thread = fiber.thread;
  if (_setjmp(scheduler)) return;
  if (fiber.is_started) _longjmp(fiber.context, 1);
  fiber.is_started = true;
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = stacks + index * STACK_BYTES;
  fiber.start.uc_stack.ss_size = STACK_BYTES;
  memset(fiber.start.uc_stack.ss_sp, FILL, CANARY_BYTES);
  fiber.start.uc_link = &ended;
  makecontext(&fiber.start, fiber_main, 0);
  setcontext(&fiber.start);
}

void describe_deadlock() {
  const Fiber* first = nullptr;
  for (unsigned int index = 0; index < thread_count; ++index) {
    const Fiber& fiber = fibers[index];
    if (fiber.state == State::done) continue;
    if (first == nullptr) {
      first = &fiber;
    } else if (fiber.operation != first->operation || fiber.line != first->line || fiber.mask != first->mask) {
      position.thread = fiber.thread;
      stop("divergence: this thread waits in line %d at %s, thread (%u, %u, %u) in line %d at %s", fiber.line,
           words_for(fiber.operation), first->thread.x, first->thread.y, first->thread.z, first->line,
           words_for(first->operation));
    }
  }
  stop("the threads wait for each other");
}

struct Span {
  unsigned char* begin;
  size_t size;
};

struct Search {
  uintptr_t address;
  Span found;
};

int find_thread_local(dl_phdr_info* info, size_t, void* data) {
  Search& search = *static_cast<Search*>(data);
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& header = info->dlpi_phdr[index];
    const uintptr_t begin = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
    if (header.p_type == PT_TLS && begin && search.address >= begin && search.address < begin + header.p_memsz) {
      search.found = {reinterpret_cast<unsigned char*>(begin), header.p_memsz};
      return 1;
    }
  }
  return 0;
}

// Everything __shared__ of a kernel's module, static and dynamic.
Span shared_memory(const Launch& wanted) {
  Search search = {reinterpret_cast<uintptr_t>(wanted.anchor()), {nullptr, 0}};
  dl_iterate_phdr(find_thread_local, &search);
  return search.found;
}

void check_dynamic() {
  if (!launch->dynamic) return;
  for (int index = 0; const unsigned char* memory = launch->dynamic(index); ++index) {
    for (unsigned int byte = launch->shared_bytes; byte < launch->dynamic_bytes; ++byte) {
      if (memory[byte] != FILL) {
        stop("writes byte %u of dynamic shared memory, and has %u", byte, launch->shared_bytes);
      }
    }
  }
}

void run_block(const unsigned int* order) {
  done_count = barrier_count = 0;
  barrier_sum = 0;
  for (unsigned int index = 0; index < thread_count; ++index) {
    Fiber& fiber = fibers[index];
    fiber.state = State::ready;
    fiber.thread = {index % launch->block[0], index / launch->block[0] % launch->block[1],
                    index / launch->block[0] / launch->block[1]};
  }
  while (done_count < thread_count) {
    bool went_on = false;
    for (unsigned int place = 0; place < thread_count; ++place) {
      if (fibers[order[place]].state != State::ready) continue;
      resume(order[place]);
      went_on = true;
    }
    if (!went_on) describe_deadlock();
  }
  check_dynamic();
}

// Forward, backward or shuffled: what depends on the order is a race.
void make_order(unsigned int* order, unsigned int count, int kind, unsigned int seed) {
  for (unsigned int index = 0; index < count; ++index) order[index] = kind == 1 ? count - 1 - index : index;
  if (kind != 2) return;
  uint64_t state = seed * 2654435761u + 1;
  for (unsigned int index = count - 1; index > 0; --index) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const unsigned int other = static_cast<unsigned int>((state >> 33) % (index + 1));
    const unsigned int kept = order[index];
    order[index] = order[other];
    order[other] = kept;
  }
}

void run_launch(const Launch& wanted, const Span& shared, int kind, unsigned int seed) {
  static unsigned int order[MAX_THREADS];
  launch = &wanted;
  const dim3 grid = {wanted.grid[0], wanted.grid[1], wanted.grid[2]};
  position.grid_size = grid;
  position.block_size = {wanted.block[0], wanted.block[1], wanted.block[2]};
  thread_count = wanted.block[0] * wanted.block[1] * wanted.block[2];
  make_order(order, thread_count, kind, seed);
  const uint64_t blocks = static_cast<uint64_t>(grid.x) * grid.y * grid.z;
  unsigned int* block_order = nullptr;
  if (kind == 2 && blocks < 1u << 24) {
    block_order = static_cast<unsigned int*>(malloc(blocks * sizeof *block_order));
    make_order(block_order, static_cast<unsigned int>(blocks), kind, seed + 1);
  }
  for (uint64_t place = 0; place < blocks; ++place) {
    const uint64_t block = block_order ? block_order[place] : kind == 1 ? blocks - 1 - place : place;
    position.block = {static_cast<unsigned int>(block % grid.x), static_cast<unsigned int>(block / grid.x % grid.y),
                      static_cast<unsigned int>(block / grid.x / grid.y)};
    report->block = position.block;
    if (shared.begin) memset(shared.begin, FILL, shared.size);
    run_block(order);
  }
  free(block_order);
}

void on_signal(int number, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  report->fault_address = address;
  if (number != SIGSEGV && number != SIGBUS) stop("signal %d (%s)", number, strsignal(number));
  stop("illegal address %#llx", static_cast<unsigned long long>(address));
}

void catch_signals() {
  static unsigned char stack[64 * 1024];
  stack_t alternative = {};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof stack;
  sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (int number : numbers) sigaction(number, &action, nullptr);
}

// Not a page between each two that nobody may touch: a thousand calls for them would take longer than most kernels.
void make_stacks() {
  void* memory = mmap(nullptr, MAX_THREADS * STACK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) stop("no memory for stacks");
  stacks = static_cast<unsigned char*>(memory);
}

}  // namespace

namespace cuda_on_cpu {

void fail(const char* problem) { stop("%s", problem); }

unsigned int lane() { return current & 31; }

int barrier(int line, int value) {
  Fiber& self = fibers[current];
  if (done_count) stop("barrier divergence: __syncthreads in line %d after another thread has returned", line);
  for (unsigned int index = 0; barrier_count && index < thread_count; ++index) {
    if (fibers[index].state != State::at_barrier) continue;
    if (fibers[index].line != line) {
      stop("barrier divergence: __syncthreads in line %d, thread (%u, %u, %u) waits in line %d", line,
           fibers[index].thread.x, fibers[index].thread.y, fibers[index].thread.z, fibers[index].line);
    }
    break;
  }
  barrier_sum += value;
  if (++barrier_count < thread_count) {
    self.state = State::at_barrier;
    self.operation = Operation::none;
    self.line = line;
    self.mask = 0;
    switch_back();
    return barrier_result;
  }
  for (unsigned int index = 0; index < thread_count; ++index) fibers[index].state = State::ready;
  barrier_result = barrier_sum;
  barrier_count = 0;
  barrier_sum = 0;
  return barrier_result;
}

const unsigned long long* exchange(Operation operation, int line, unsigned int mask, unsigned long long value) {
  Fiber& self = fibers[current];
  const unsigned int first = current & ~31u;
  if (!(mask >> lane() & 1u)) stop("line %d: %s: mask %#x does not name its own lane", line, words_for(operation), mask);
  self.operation = operation;
  self.line = line;
  self.mask = mask;
  self.value = value;
  bool all_here = true;
  for (unsigned int index = first; index < first + 32; ++index) {
    if (index == current || !(mask >> (index & 31) & 1u)) continue;
    const Fiber& other = fibers[index];
    if (index >= thread_count || other.state == State::done) {
      stop("warp divergence: line %d: %s: mask %#x names lane %u, which %s", line, words_for(operation), mask, index & 31,
           index >= thread_count ? "the block does not have" : "has returned");
    }
    if (other.state != State::at_warp) {
      all_here = false;
    } else if (other.mask != mask) {
      all_here = false;  // it may come when what it waits for has come
    } else if (other.operation != operation || other.line != line) {
      stop("warp divergence: line %d: %s with mask %#x, and lane %u waits in line %d at %s", line,
           words_for(operation), mask, index & 31, other.line, words_for(other.operation));
    }
  }
  if (!all_here) {
    self.state = State::at_warp;
    switch_back();
    return self.words;
  }
  unsigned long long words[32];
  for (unsigned int index = 0; index < 32; ++index) words[index] = mask >> index & 1u ? fibers[first + index].value : 0;
  for (unsigned int index = 0; index < 32; ++index) {
    if (!(mask >> index & 1u)) continue;
    memcpy(fibers[first + index].words, words, sizeof words);
    fibers[first + index].state = State::ready;
  }
  return self.words;
}

}  // namespace cuda_on_cpu

extern "C" {

// Memory of `size` bytes (whole pages) that a child writes for its parent, between two pages that nobody may touch.
unsigned char* cuda_on_cpu_map(size_t size) {
  void* memory = mmap(nullptr, size + 2 * PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  unsigned char* begin = static_cast<unsigned char*>(memory) + PAGE;
  mprotect(begin, size, PROT_READ | PROT_WRITE);
  return begin;
}

void cuda_on_cpu_unmap(unsigned char* begin, size_t size) { munmap(begin - PAGE, size + 2 * PAGE); }

// Run the launches in order, in a child that writes to `output` what goes to stderr.
//
// kind: order of threads and blocks, 0 forward, 1 backward, 2 shuffled by `seed`. Returns what waitpid says of the child.
int cuda_on_cpu_run(const Launch* launches, int count, int kind, unsigned int seed, unsigned int limit_s, Report* shared,
                    int output) {
  Span* spans = static_cast<Span*>(calloc(static_cast<size_t>(count) + 1, sizeof(Span)));
  for (int index = 0; index < count; ++index) spans[index] = shared_memory(launches[index]);
  memset(shared, 0, sizeof *shared);
  const pid_t child = fork();
  if (child == 0) {
    report = shared;
    dup2(output, 2);
    catch_signals();
    make_stacks();
    signal(SIGALRM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    alarm(limit_s);
    for (int index = 0; index < count; ++index) {
      report->launch = index;
      run_launch(launches[index], spans[index], kind, seed);
    }
    _exit(0);
  }
  free(spans);
  if (child < 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

}  // extern "C"
