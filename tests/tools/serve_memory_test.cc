// `serve` that runs out of memory for a moment, at each allocation in turn (MEM-3): what was under
// way may be lost, all else goes on. The library that lets it fail is preload/failing_memory.cc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using testing::MailSession;
using testing::RawClient;
using testing::ServeProcess;
using ::testing::StartsWith;

constexpr int32_t kInARow = 4;  // also what would tell of the first one fails

// Memory is what the library looks at.
class Memory {
 public:
  explicit Memory(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (::ftruncate(file.get(), sizeof(Control)) != 0) std::abort();
    void* mapped =
        ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (mapped == MAP_FAILED) std::abort();
    control_ = static_cast<Control*>(mapped);
  }
  ~Memory() { ::munmap(control_, sizeof(Control)); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // fail_after lets so many allocations go well, and then a few fail.
  void fail_after(int32_t ahead) {
    control_->ahead = ahead;
    control_->failures = kInARow;
  }
  // restore: true where any had failed.
  bool restore() { return control_->failures.exchange(0) < kInARow; }

 private:
  struct Control {
    std::atomic<int32_t> ahead, failures;
  };
  Control* control_;
};

struct ServeMemory : ::testing::Test {
  bool start() {
    ::setenv("PGSS_MEMORY_CONTROL", control.c_str(), 1);
    ::setenv("LD_PRELOAD", PGSS_FAILING_MEMORY, 1);
    const bool started = serve.start();
    for (const char* name : {"LD_PRELOAD", "PGSS_MEMORY_CONTROL"}) ::unsetenv(name);
    return started;
  }
  void expect_greeting(int32_t n) {
    EXPECT_THAT(RawClient(serve.port()).reply(), StartsWith("220 ")) << n;
  }
  ServeProcess serve;
  std::string control = serve.folder.write("control", "");
  Memory memory{control};
};

TEST_F(ServeMemory, MEM_3_GoesOnToAcceptConnections) {
  ASSERT_TRUE(start()) << serve.log();
  int32_t n = 0;
  for (bool failed = true; failed && !HasFailure(); ++n) {
    memory.fail_after(n);
    {
      RawClient client(serve.port());
      client.reply();
      client.command("EHLO c");
      client.command("NOOP");
    }
    failed = memory.restore();
    expect_greeting(n);
  }
  EXPECT_GT(n, 20);
}

TEST_F(ServeMemory, MEM_3_GoesOnToHearSignals) {
  ASSERT_TRUE(start()) << serve.log();
  bool failed = false;
  for (int32_t n = 0; n < 80 && !HasFailure(); ++n) {
    memory.fail_after(n);
    serve.process().signal(SIGHUP);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    failed |= memory.restore();
    expect_greeting(n);
  }
  EXPECT_TRUE(failed);
  serve.folder.write("users", std::string(testing::kBob) + "carol:" + std::string(32, '0') + "\n");
  serve.process().signal(SIGHUP);
  EXPECT_TRUE(serve.logged("users read again: 2 accounts")) << serve.log();
  serve.process().signal(SIGTERM);
  EXPECT_EQ(serve.process().wait(), 0);
}

TEST_F(ServeMemory, MEM_3_AnswersNoMessageThatItHasNotStored) {
  ASSERT_TRUE(start()) << serve.log();
  size_t answered = 0;
  int32_t n = 0;
  for (bool failed = true; failed && !HasFailure(); ++n) {
    MailSession session(serve.options());
    ASSERT_TRUE(session.login()) << n << session.failure().message << serve.log();
    ASSERT_EQ(session.begin("Subject: hello\r\n\r\n"), 354);
    memory.fail_after(n);
    if (session.finish() == 250) ++answered;
    failed = memory.restore();
    EXPECT_GE(serve.messages().size(), answered) << n;
  }
  EXPECT_GT(answered, 0u);
  EXPECT_GT(n, 10);
  EXPECT_EQ(serve.temporary_files(), 0u);
  EXPECT_EQ(MailSession(serve.options()).login(), true);
  serve.process().signal(SIGTERM);
  EXPECT_EQ(serve.process().wait(), 0);
}

}  // namespace
}  // namespace pocketgss::tools
