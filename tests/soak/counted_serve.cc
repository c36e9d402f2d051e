// CountedServe: `serve` under the allocation counter.
#include "tests/soak/counted_serve.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace pocketgss::tools::testing {
namespace {

void pause(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

size_t descriptor_count(pid_t pid) {
  return static_cast<size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"), {}));
}

// settle waits until the connections are gone: their sockets are the process's only changing
// descriptors.
void settle(pid_t pid, size_t descriptors) {
  for (int i = 0; i < 200; ++i) {
    if (descriptor_count(pid) <= descriptors) return;
    pause(50);
  }
  ADD_FAILURE() << "connections stay open";
}

// resident_kib counts pages, where the VmRSS of `status` is off by what each processor has not added
// yet.
long resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Rss:")) return std::stol(line.substr(4));
  }
  ADD_FAILURE() << "no Rss";
  return 0;
}

// unread is how many octets wait in the sockets of this port on 127.0.0.1.
unsigned long unread(uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  unsigned long sum = 0;
  for (std::string line; std::getline(table, line);) {
    unsigned long local_port = 0, waiting = 0, state = 0;
    if (std::sscanf(line.c_str(), " %*u: 0100007F:%lx %*x:%*x %lx %*x:%lx", &local_port, &state,
                    &waiting) == 3 &&
        local_port == port && state == 1)
      sum += waiting;
  }
  return sum;
}

}  // namespace

CountedServe::CountedServe() {
  const std::string file = serve.folder.write("count", std::string(sizeof(Counters), '\0'));
  const Descriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  void* mapped = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) std::abort();
  counters_ = static_cast<Counters*>(mapped);
}

CountedServe::~CountedServe() {
  if (!drain_.joinable()) return;
  serve.process().signal(SIGKILL);  // whatever is open
  drain_.join();
}

bool CountedServe::start(bool with_tls, const Arguments& more) {
  ::setenv("PGSS_MALLOC_COUNT_FILE", (serve.folder / "count").c_str(), 1);
  ::setenv("LD_PRELOAD", PGSS_MALLOC_COUNT, 1);
  const bool started = with_tls ? serve.start_with_tls(more) : serve.start(more);
  ::unsetenv("LD_PRELOAD");
  drain_ = std::thread([this] { serve.process().drain(); });
  return started;
}

Held CountedServe::held(size_t idle) {
  const pid_t pid = serve.process().pid();
  if (idle != 0) settle(pid, idle);
  rest();
  trim();
  return {resident_kib(pid), blocks(), descriptor_count(pid)};
}

int64_t CountedServe::blocks() const {
  return static_cast<int64_t>(counters_->allocations) - static_cast<int64_t>(counters_->frees);
}

// rest waits until nothing is allocated or freed any more: a connection's socket goes before the rest
// of it.
void CountedServe::rest() const {
  uint64_t before = 0;
  for (int i = 0; i < 100 && before != counters_->frees + counters_->allocations; ++i) {
    before = counters_->frees + counters_->allocations;
    pause(100);
  }
}

void CountedServe::trim() {
  counters_->trim_asked = 1;
  for (int i = 0; i < 500 && counters_->trim_asked != 0; ++i) pause(10);
  EXPECT_EQ(counters_->trim_asked, 0u) << "the counter was not preloaded";
}

// Nothing waits between two pieces either: so for some time.
void CountedServe::all_read() const {
  constexpr int kQuiet = 5;
  int quiet = 0;
  for (int i = 0; i < 1000 && quiet < kQuiet; ++i) {
    quiet = unread(serve.port()) == 0 ? quiet + 1 : 0;
    pause(20);
  }
  EXPECT_EQ(quiet, kQuiet) << "the server does not read";
}

}  // namespace pocketgss::tools::testing
