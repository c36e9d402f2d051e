// The Maildir and the trace fields.
#include "tools/mail/maildir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <set>
#include <sstream>

#include <pocketgss/base64.h>

#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/tools/support/temp_folder.h"
#include "tools/mail/trace.h"

namespace pocketgss::tools {
namespace {

using testing::content_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempFolder;

struct MaildirTest : ::testing::Test {
  std::unique_ptr<Delivery> begin() { return maildir.begin(clock, random).value(); }
  size_t count(const char* part) const {
    return static_cast<size_t>(std::distance(
        std::filesystem::directory_iterator(folder / ("m/" + std::string(part))), {}));
  }
  std::string only_message() const {
    return content_of(std::filesystem::directory_iterator(folder / "m/new")->path());
  }

  TempFolder folder;
  pocketgss::testing::FakeClock clock;
  pocketgss::testing::CountingRandom random;
  Maildir maildir = Maildir::open(folder / "m", "a/b:c.test").value();
};

TEST_F(MaildirTest, KeepsAMessageInTmpUntilItIsCommitted) {
  const auto delivery = begin();
  EXPECT_TRUE(delivery->write(as_bytes("one\r\n")).has_value());
  EXPECT_EQ(count("tmp"), 1u);
  EXPECT_EQ(count("new"), 0u);
  EXPECT_TRUE(delivery->commit().has_value());
  EXPECT_EQ(count("tmp"), 0u);
  EXPECT_EQ(only_message(), "one\n");
}

TEST_F(MaildirTest, LeavesNothingOfAMessageThatWasNotCommitted) {
  {
    ASSERT_TRUE(begin()->write(as_bytes("one\r\n")).has_value());
  }
  EXPECT_EQ(count("tmp") + count("new"), 0u);
}

TEST_F(MaildirTest, EndsLinesInLfHoweverTheContentIsCut) {
  const auto delivery = begin();
  for (const char* piece : {"a\r", "\nb", "\r\n", "\r", "\n", "c\r\n"})
    ASSERT_TRUE(delivery->write(as_bytes(piece)).has_value());
  ASSERT_TRUE(delivery->commit().has_value());
  EXPECT_EQ(only_message(), "a\nb\n\nc\n");
}

TEST_F(MaildirTest, GivesEachDeliveryANameOfItsOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) ids.insert(begin()->id());
  EXPECT_EQ(ids.size(), 50u);
}

TEST_F(MaildirTest, SaysThatTheDiskIsFullAndLeavesNothing) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1024, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  {
    const auto delivery = begin();
    const auto written = delivery->write(Bytes(4096, 'x'));
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.failure().exit_code, ExitCode::kIoError);
  }
  EXPECT_EQ(count("tmp") + count("new"), 0u);
}

Trace trace() {
  Trace trace;
  trace.reverse_path = "a@example.test";
  trace.recipients = {"b@example.test"};
  trace.ehlo_name = "client.example.test";
  trace.client_address = "2001:db8::1";
  trace.hostname = "mail.example.test";
  trace.id = "id1";
  trace.authenticated_name = "bob";
  trace.tls_version = "TLSv1.3";
  trace.time = 1'795'000'000'000'000;
  return trace;
}

TEST(Trace, HasReturnPathRecipientsAndReceived) {
  EXPECT_EQ(
      trace_fields(trace()),
      "Return-Path: <a@example.test>\r\nEnvelope-To: <b@example.test>\r\n"
      "Received: from client.example.test ([IPv6:2001:db8::1])\r\n\t(using "
      "TLSv1.3)\r\n\t(authenticated as bob)\r\n"
      "\tby mail.example.test (PocketGSS) with ESMTPSA\r\n\tid id1\r\n\tfor <b@example.test>;\r\n"
      "\tWed, 18 Nov 2026 11:06:40 +0000\r\n");
}

TEST(Trace, NamesNoRecipientInReceivedWhereThereAreSeveral) {
  Trace several = trace();
  several.recipients.push_back("hidden@example.test");
  const std::string fields = trace_fields(several);
  EXPECT_THAT(fields.substr(fields.find("Received")), Not(HasSubstr("hidden")));
}

TEST(Trace, SMT_13_NamesCannotEndALineOrAComment) {
  Trace bad = trace();
  bad.ehlo_name = "x) by evil (";
  bad.authenticated_name = "bob)\r\nX-Evil: 1";
  bad.reverse_path = "a\r\nX-Evil: 2";
  const std::string fields = trace_fields(bad);
  EXPECT_THAT(fields, Not(HasSubstr("\r\nX-Evil")));
  EXPECT_THAT(fields, HasSubstr("from unknown ("));
  bad.authenticated_name = "bo)b\\";
  EXPECT_THAT(trace_fields(bad), HasSubstr("(authenticated as bo\\)b\\\\)"));
}

// decoded_words takes the text out of the encoded words, each of which must be whole UTF-8.
std::string decoded_words(const std::string& fields) {
  const std::string begin = "=?UTF-8?B?";
  std::string out;
  for (size_t at = fields.find(begin); at != std::string::npos; at = fields.find(begin, at)) {
    const size_t end = fields.find("?=", at + begin.size());
    EXPECT_LE(end + 2 - at, 75u);
    const Bytes text =
        base64_decode(fields.substr(at + begin.size(), end - at - begin.size())).value();
    EXPECT_NE(text.front() & 0xc0, 0x80) << "a character is divided";
    out.append(as_text(text));
    at = end;
  }
  return out;
}

TEST(Trace, DividesALongNameIntoEncodedWordsOnFoldedLines) {
  const std::string cjk = "\xe4\xb8\xad";
  std::string long_name, mixed = "a";
  for (int i = 0; i < 256; ++i) long_name += cjk;
  for (int i = 0; i < 60; ++i) mixed += "\xf0\x9f\x93\xae\xc3\xb6";
  for (const std::string& name :
       {long_name, mixed, std::string(5000, 'x'), std::string(1000, '(')}) {
    Trace named = trace();
    named.authenticated_name = name;
    const std::string fields = trace_fields(named);
    EXPECT_EQ(decoded_words(fields), name);
    std::istringstream lines(fields);
    for (std::string line; std::getline(lines, line);) {
      const bool encoded = line.find("=?") != std::string::npos;
      EXPECT_LE(line.size() - 1, encoded ? 76u : 998u) << line;  // less the CR
    }
    EXPECT_THAT(fields, HasSubstr("\r\n\t(authenticated as =?UTF-8?B?"));
    EXPECT_THAT(fields, HasSubstr("?=)\r\n\tby mail.example.test"));
  }
}

TEST(Trace, LeavesALongPlainNameOnItsLine) {
  Trace named = trace();
  named.authenticated_name = std::string(400, '(');
  std::istringstream lines(trace_fields(named));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size() - 1, 998u);
  EXPECT_THAT(trace_fields(named), HasSubstr("(authenticated as \\(\\("));
}

TEST(Trace, EncodesANameThatIsNotAscii) {
  Trace name = trace();
  name.authenticated_name = "J\xc3\xb6rg";
  EXPECT_THAT(trace_fields(name), HasSubstr("(authenticated as =?UTF-8?B?SsO2cmc=?=)"));
}

}  // namespace
}  // namespace pocketgss::tools
