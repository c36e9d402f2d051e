// Long runs against `serve` as a process: many logins at once, and kills in the middle of
// deliveries.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/soak/counted_serve.h"

namespace pocketgss::tools {
namespace {

using testing::CountedServe;
using testing::Held;
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

void expect_flat(CountedServe& counted, const SessionOptions& options) {
  EXPECT_EQ(log_in_many(options, 1, 1), 0);  // opens what stays open, such as the random source
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const size_t idle = counted.held().descriptors;
  const auto run = [&](int count) {
    EXPECT_EQ(log_in_many(options, count, 64), 0);
    return counted.held(idle);
  };
  run(800);  // so that both figures are of a process after the same hundred logins
  const Held before = run(100);
  const Held after = run(100);
  std::printf(
      "[ FIGURES  ] RSS after 900 logins %ld KiB, after 1000 %ld KiB; live blocks %lld and %lld; "
      "allocations %llu\n",
      before.resident_kib, after.resident_kib, static_cast<long long>(before.blocks),
      static_cast<long long>(after.blocks), static_cast<unsigned long long>(counted.allocations()));
  EXPECT_LT(std::abs(after.resident_kib - before.resident_kib) * 100, before.resident_kib);
  EXPECT_GT(counted.allocations(), 50'000u) << "the counter was not preloaded";
  // Of each socket that is open at once Asio keeps a block for the next one, and 64 can be; a block a
  // login would be 100.
  EXPECT_LT(after.blocks - before.blocks, 64);
}

TEST(Soak, ThousandLoginsInClear) {
  CountedServe counted;
  ASSERT_TRUE(counted.start(false)) << counted.serve.log();
  expect_flat(counted, counted.serve.options());
}

TEST(Soak, ThousandLoginsOverTls) {
  CountedServe counted;
  ASSERT_TRUE(counted.start(true)) << counted.serve.log();
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
