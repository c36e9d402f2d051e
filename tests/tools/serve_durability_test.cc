// What is on disk when `serve` answers a message: its system calls in their order, written down by a
// library that is preloaded into it (preload/disk_recorder.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>

#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::MailSession;
using testing::ServeProcess;

constexpr const char* kMessage = "Subject: hello\r\n\r\ntext\r\n";

// RecordedServe starts `serve` under the recorder. Flushes of a path that has `failing` in it fail;
// kAround is the folder that the Maildir is in, and nothing that is in it.
class RecordedServe {
 public:
  static constexpr std::string_view kAround = "..";
  enum class Maildir { kNew, kThere };

  explicit RecordedServe(std::string_view failing = {}, Maildir maildir = Maildir::kNew)
      : record_(serve.folder.write("record", "")) {
    if (maildir == Maildir::kThere) std::filesystem::create_directory(serve.folder / "mail");
    ::setenv("PGSS_DISK_RECORD", record_.c_str(), 1);
    const std::string fail(failing == kAround ? serve.folder.path().string() + "\n" : failing);
    if (!fail.empty()) ::setenv("PGSS_DISK_FAIL", fail.c_str(), 1);
    ::setenv("LD_PRELOAD", PGSS_DISK_RECORDER, 1);
    started_ = serve.start();
    for (const char* name : {"LD_PRELOAD", "PGSS_DISK_FAIL", "PGSS_DISK_RECORD"}) ::unsetenv(name);
  }
  bool started() const { return started_; }
  bool has_maildir() const { return std::filesystem::exists(serve.folder / "mail"); }

  // all_events have the Maildir as ".", and the folder around it as "..": "flush ./new".
  std::vector<std::string> all_events() const {
    const std::string around = serve.folder.path().string(), maildir = around + "/mail";
    std::istringstream record(testing::content_of(record_));
    std::vector<std::string> out;
    for (std::string line; std::getline(record, line);) {
      for (const auto& [name, shown] : {std::pair(maildir, "."), std::pair(around, "..")}) {
        if (const size_t at = line.find(name); at != line.npos)
          line.replace(at, name.size(), shown);
      }
      out.push_back(line);
    }
    return out;
  }
  // events are those from the reply to DATA on.
  std::vector<std::string> events() const {
    std::vector<std::string> out = all_events();
    out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(first(out, "send 354 ")));
    return out;
  }
  // first is where the first event stands that begins so; their number where there is none.
  static size_t first(const std::vector<std::string>& events, std::string_view what) {
    size_t at = 0;
    while (at < events.size() && !events[at].starts_with(what)) ++at;
    return at;
  }
  static size_t last(const std::vector<std::string>& events, std::string_view what) {
    for (size_t at = events.size(); at-- > 0;) {
      if (events[at].starts_with(what)) return at;
    }
    return events.size();
  }
  size_t count(const char* what) const {
    size_t found = 0;
    for (const std::string& event : events()) found += event.starts_with(what) ? 1 : 0;
    return found;
  }

  ServeProcess serve;

 private:
  std::string record_;
  bool started_ = false;
};

TEST(ServeDurability, P26_FlushesTheFileThenRenamesItThenFlushesTheFolderThenAnswers) {
  RecordedServe recorded;
  ASSERT_TRUE(recorded.started()) << recorded.serve.log();
  MailSession session(recorded.serve.options());
  ASSERT_TRUE(session.login()) << session.failure().message;
  ASSERT_EQ(session.submit(kMessage), 250);
  const auto events = recorded.events();
  const std::string all = ::testing::PrintToString(events);
  const size_t written = RecordedServe::last(events, "write ./tmp/");
  const size_t file = RecordedServe::first(events, "flush ./tmp/");
  const size_t renamed = RecordedServe::first(events, "rename ./new/");
  const size_t folder = RecordedServe::first(events, "flush ./new");
  const size_t answered = RecordedServe::first(events, "send 250 ");
  EXPECT_LT(written, file) << all;
  EXPECT_LT(file, renamed) << all;
  EXPECT_LT(renamed, folder) << all;
  EXPECT_LT(folder, answered) << all;
  EXPECT_LT(answered, events.size()) << all;
}

// expect_refused: 451, and again for the next message; nothing of either stays.
void expect_refused(const char* failing, const char* reason) {
  RecordedServe recorded(failing);
  ASSERT_TRUE(recorded.started()) << recorded.serve.log();
  MailSession session(recorded.serve.options());
  ASSERT_TRUE(session.login()) << session.failure().message;
  for (const size_t message : {size_t{1}, size_t{2}}) {
    EXPECT_EQ(session.submit(kMessage), 451);
    EXPECT_EQ(recorded.count("fail ./"), message) << "the flush did not fail";
    EXPECT_TRUE(recorded.serve.messages().empty());
    EXPECT_EQ(recorded.serve.temporary_files(), 0u);
  }
  EXPECT_EQ(recorded.count("send 250 2.0.0"), 0u);
  EXPECT_TRUE(recorded.serve.logged(reason)) << recorded.serve.log();
}

// expect_on_disk: the Maildir, and its name in the folder around it, before the greeting.
void expect_on_disk(RecordedServe& recorded) {
  ASSERT_TRUE(recorded.started()) << recorded.serve.log();
  testing::RawClient client(recorded.serve.port());
  client.reply();
  const auto events = recorded.all_events();
  const std::string all = ::testing::PrintToString(events);
  const size_t greeted = RecordedServe::first(events, "send 220 ");
  EXPECT_LT(greeted, events.size()) << all;
  for (const char* folder : {"flush .", "flush .."}) {
    EXPECT_LT(std::find(events.begin(), events.end(), folder) - events.begin(),
              static_cast<std::ptrdiff_t>(greeted))
        << folder << all;
  }
}

TEST(ServeDurability, P26_PutsANewMaildirOnDiskBeforeItGreets) {
  RecordedServe recorded;
  expect_on_disk(recorded);
}

// A program that made it may have ended before it was on disk.
TEST(ServeDurability, P26_PutsAMaildirThatWasThereOnDiskBeforeItGreets) {
  RecordedServe recorded({}, RecordedServe::Maildir::kThere);
  expect_on_disk(recorded);
}

TEST(ServeDurability, P26_DoesNotStartWhereTheMaildirCannotBePutOnDisk) {
  RecordedServe recorded("/mail");
  EXPECT_FALSE(recorded.started());
  EXPECT_EQ(recorded.serve.process().wait(), 73);
  EXPECT_THAT(recorded.serve.log(), HasSubstr("cannot put the Maildir "));
  EXPECT_FALSE(recorded.has_maildir());
}

TEST(ServeDurability, P26_DoesNotStartWhereTheNameOfANewMaildirCannotBePutOnDisk) {
  RecordedServe recorded(RecordedServe::kAround);
  EXPECT_FALSE(recorded.started());
  EXPECT_EQ(recorded.serve.process().wait(), 73);
  EXPECT_THAT(recorded.serve.log(), HasSubstr("cannot put the folder around the Maildir "));
  EXPECT_FALSE(recorded.has_maildir());
}

TEST(ServeDurability, P26_StartsInAMaildirThatWasThereWhereTheFolderAroundItCannotBeFlushed) {
  RecordedServe recorded(RecordedServe::kAround, RecordedServe::Maildir::kThere);
  EXPECT_TRUE(recorded.started()) << recorded.serve.log();
  EXPECT_THAT(recorded.all_events(), Contains("fail .."));
}

TEST(ServeDurability, P26_Answers451WhereTheFileCannotBeFlushed) {
  expect_refused("/mail/tmp/", "reason: the message cannot be put on disk: ");
}

TEST(ServeDurability, P26_Answers451WhereTheFolderCannotBeFlushed) {
  expect_refused("/mail/new", "reason: the folder new/ cannot be put on disk: ");
}

}  // namespace
}  // namespace pocketgss::tools
