// Long runs against `serve` as a process: many logins at once, and kills in the middle of
// deliveries.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using testing::MailSession;
using testing::ServeProcess;
using testing::SessionOptions;

// --- 1,000 logins over 64 connections at once ---

// log_in_many runs `count` logins, `width` at once, and returns how many failed.
int log_in_many(const SessionOptions& options, int count, int width) {
  std::atomic<int> left{count}, failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < width; ++i) {
    threads.emplace_back([&] {
      while (left.fetch_sub(1) > 0) {
        MailSession session(options);
        if (!session.login()) {
          ++failed;
          ADD_FAILURE() << session.failure().message << session.transport_failure();
        } else {
          session.quit();
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return failed;
}

// settle waits until the connections are gone: their sockets are the process's only changing
// descriptors.
void settle(pid_t pid, size_t descriptors) {
  const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
  for (int i = 0; i < 200; ++i) {
    if (static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {})) <=
        descriptors)
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ADD_FAILURE() << "connections stay open";
}

size_t descriptor_count(pid_t pid) {
  return static_cast<size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"), {}));
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

struct Counters {
  std::atomic<uint64_t> allocations, frees;
  std::atomic<uint32_t> trim_asked;
  int64_t live() const {
    return static_cast<int64_t>(allocations.load()) - static_cast<int64_t>(frees.load());
  }
};

// CountedServe starts serve under the allocation counter.
class CountedServe {
 public:
  CountedServe() {
    const std::string file = serve.folder.write("count", std::string(sizeof(Counters), '\0'));
    const Descriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    counters_ = static_cast<Counters*>(
        ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
    ::setenv("PGSS_MALLOC_COUNT_FILE", file.c_str(), 1);
    ::setenv("LD_PRELOAD", PGSS_MALLOC_COUNT, 1);
  }
  ~CountedServe() { stop_preloading(); }
  void stop_preloading() { ::unsetenv("LD_PRELOAD"); }
  const Counters& counters() const { return *counters_; }
  // trim has the process give back what is free: how much of that an allocator keeps depends on how
  // many connections happened to be open at once.
  void trim() {
    counters_->trim_asked = 1;
    for (int i = 0; i < 500 && counters_->trim_asked != 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(counters_->trim_asked, 0u) << "the counter was not preloaded";
  }

  ServeProcess serve;

 private:
  Counters* counters_;
};

void expect_flat(CountedServe& counted, const SessionOptions& options) {
  const pid_t pid = counted.serve.process().pid();
  EXPECT_EQ(log_in_many(options, 1, 1), 0);  // opens what stays open, such as the random source
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const size_t idle = descriptor_count(pid);
  std::thread log([&] { counted.serve.logged("this never comes; it drains the log"); });
  const auto run = [&](int count) {
    EXPECT_EQ(log_in_many(options, count, 64), 0);
    settle(pid, idle);
    counted.trim();
    return std::pair(resident_kib(pid), counted.counters().live());
  };
  run(800);  // so that both figures are of a process after the same hundred logins
  const auto [rss_900, live_900] = run(100);
  const auto [rss_1000, live_1000] = run(100);
  std::printf(
      "[ FIGURES  ] RSS after 900 logins %ld KiB, after 1000 %ld KiB; live blocks %lld and %lld; "
      "allocations %llu\n",
      rss_900, rss_1000, static_cast<long long>(live_900), static_cast<long long>(live_1000),
      static_cast<unsigned long long>(counted.counters().allocations.load()));
  EXPECT_LT(std::abs(rss_1000 - rss_900) * 100, rss_900);
  EXPECT_GT(counted.counters().allocations.load(), 50'000u) << "the counter was not preloaded";
  EXPECT_LE(live_1000 - live_900, 8);  // the log's and the allocator's own slack, nothing a login
  counted.serve.process().signal(SIGTERM);
  log.join();
}

TEST(Soak, ThousandLoginsInClear) {
  CountedServe counted;
  ASSERT_TRUE(counted.serve.start()) << counted.serve.log();
  counted.stop_preloading();
  expect_flat(counted, counted.serve.options());
}

TEST(Soak, ThousandLoginsOverTls) {
  CountedServe counted;
  ASSERT_TRUE(counted.serve.start_with_tls()) << counted.serve.log();
  counted.stop_preloading();
  expect_flat(counted, counted.serve.tls_options());
}

// --- kills during deliveries ---

// Ledger notes which messages were answered by a 250.
struct Ledger {
  std::mutex lock;
  std::set<std::string> answered;
};

std::string message(const std::string& id) {
  std::string text = "Subject: " + id + "\r\n\r\n";
  for (int i = 0; i < 400; ++i) text += id + " line " + std::to_string(i) + "\r\n";
  return text + "end of " + id + "\r\n";
}

std::string stored_form(const std::string& id) {
  std::string text = message(id);
  std::erase(text, '\r');
  return text;
}

void submit_until_broken(const SessionOptions& options, const std::string& name, Ledger& ledger) {
  MailSession session(options);
  if (!session.login()) return;
  for (int i = 0;; ++i) {
    const std::string id = name + "-" + std::to_string(i);
    if (session.submit(message(id)) != 250) return;
    const std::lock_guard guard(ledger.lock);
    ledger.answered.insert(id);
  }
}

TEST(Soak, EachMessageAnswered250IsThereWholeOnceAfterFiftyKills) {
  constexpr int kKills = 50, kClients = 4;
  ServeProcess serve;
  Ledger ledger;
  std::mt19937 random(std::random_device{}());
  for (int kill = 0; kill < kKills; ++kill) {
    ASSERT_TRUE(serve.start()) << serve.log();
    std::vector<std::thread> clients;
    for (int c = 0; c < kClients; ++c) {
      clients.emplace_back(submit_until_broken, serve.options(),
                           std::to_string(kill) + "-" + std::to_string(c), std::ref(ledger));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 300));
    serve.process().signal(SIGKILL);
    for (auto& client : clients) client.join();
    EXPECT_EQ(serve.process().wait(), 128 + SIGKILL);
  }
  std::map<std::string, int> found;
  for (const std::string& text : serve.messages()) {
    const size_t subject = text.find("\nSubject: ");
    ASSERT_NE(subject, std::string::npos);
    const std::string id = text.substr(subject + 10, text.find('\n', subject + 10) - subject - 10);
    EXPECT_TRUE(text.ends_with("\n" + stored_form(id))) << id << " is not whole";
    ++found[id];
  }
  for (const std::string& id : ledger.answered) EXPECT_EQ(found[id], 1) << id;
  std::printf("[ FIGURES  ] %d kills, %zu messages answered 250, %zu stored\n", kKills,
              ledger.answered.size(), found.size());
  EXPECT_GT(ledger.answered.size(), 50u);
}

}  // namespace
}  // namespace pocketgss::tools
