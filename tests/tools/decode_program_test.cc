// The verb `decode` as a process: its options, where it reads and writes, its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"
#include "tests/tools/support/process.h"
#include "tests/tools/support/recorded_krb5.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using nlohmann::json;
using testing::Arguments;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::run;
using ::testing::StartsWith;
using testing::TempFolder;

constexpr char kHex[] = "a1073005a0030a0101", kBase64[] = "oQcwBaADCgEB";
constexpr char kTree[] = "spnego.NegTokenResp, 9 bytes\n    4  negState: 1 (accept-incomplete)\n";
// A NegTokenInit without hints.
constexpr char kInit[] = "601c06062b0601050502a0123010a00e300c060a2b06010401823702020a";

std::string raw(std::string_view hex) {
  return std::string(as_text(pocketgss::testing::unhex(hex)));
}

Outcome decode(const Arguments& more, const std::string& input = "") {
  Arguments arguments = {"decode"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments, input);
}

// lines are the objects that --batch wrote.
std::vector<json> lines(const Outcome& outcome) {
  std::vector<json> out;
  std::istringstream text(outcome.output);
  for (std::string line; std::getline(text, line);) out.push_back(json::parse(line));
  return out;
}

void expect_tree(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, kTree);
  EXPECT_EQ(outcome.error, "");
}

void expect_refusal(const Outcome& outcome, int exit_code, const std::string& why) {
  EXPECT_EQ(outcome.exit_code, exit_code);
  EXPECT_EQ(outcome.output, "");
  EXPECT_THAT(outcome.error, HasSubstr(why));
}

TEST(DecodeProgram, ReadsHexBase64AndRawOctetsFromStandardInput) {
  expect_tree(decode({}, std::string(kHex) + "\n"));
  expect_tree(decode({}, std::string(kBase64) + "\n"));
  expect_tree(decode({}, raw(kHex)));
  expect_tree(decode({"-"}, kHex));
}

TEST(DecodeProgram, ReadsAFile) {
  TempFolder folder;
  expect_tree(decode({folder.write("hex", kHex)}));
  expect_tree(decode({folder.write("base64", kBase64)}, "not this"));
  expect_tree(decode({"--raw", folder.write("raw", raw(kHex))}));
}

TEST(DecodeProgram, TakesTheInputForWhatTheOptionSays) {
  expect_tree(decode({"--hex"}, "a1 07 30 05\na0 03 0a 01 01\n"));
  expect_tree(decode({"--base64"}, "oQcw BaAD\nCgEB\n"));
  expect_tree(decode({"--raw"}, raw(kHex)));
  expect_refusal(decode({"--hex"}, kBase64), 65, "the input is not hex");
  // Hex digits alone, taken for something else: the octets begin with 6b, an AS-REP, and with 'a', a
  // Ticket.
  const json as_base64 = json::parse(decode({"--base64", "--json"}, "a1b2").output);
  EXPECT_EQ(as_base64["error"]["where"], "KDC-REP");
  const json as_raw = json::parse(decode({"--raw", "--json"}, kHex).output);
  EXPECT_EQ(as_raw["error"]["where"], "Ticket");
}

TEST(DecodeProgram, RefusesOptionsThatContradict) {
  for (const Arguments& arguments : std::vector<Arguments>{{"--hex", "--raw"},
                                                           {"--hex", "--base64"},
                                                           {"--base64", "--raw"},
                                                           {"--batch", "--raw"},
                                                           {"--as", "krb5.Nothing"},
                                                           {"--nothing"},
                                                           {"one", "two"}}) {
    const Outcome outcome = decode(arguments, kHex);
    EXPECT_EQ(outcome.exit_code, 64) << arguments[0];
    EXPECT_EQ(outcome.output, "") << arguments[0];
    EXPECT_NE(outcome.error, "") << arguments[0];
  }
}

TEST(DecodeProgram, TakesATokenForTheKindThatIsAskedFor) {
  EXPECT_THAT(decode({}, kInit).output, StartsWith("spnego.NegTokenInit, "));
  EXPECT_THAT(decode({"--as", "spnego.NegTokenInit2"}, kInit).output,
              StartsWith("spnego.NegTokenInit2, "));
  expect_refusal(decode({"--as", "ntlm.Challenge"}, kInit), 65, "pocketgss decode: ");
}

TEST(DecodeProgram, ARefusalIsTextOnStandardErrorOrJsonOnStandardOutput) {
  expect_refusal(decode({}, "a1073005a0030a0104"), 65, "NegTokenResp.negState");
  const Outcome outcome = decode({"--json"}, "a1073005a0030a0104");
  EXPECT_EQ(outcome.exit_code, 65);
  EXPECT_EQ(outcome.error, "");
  const json error = json::parse(outcome.output)["error"];
  EXPECT_EQ(error["where"], "NegTokenResp.negState");
  EXPECT_EQ(error["offset"], 8);
}

TEST(DecodeProgram, AnInputThatCannotBeOpenedOrReadIs66) {
  TempFolder folder;
  expect_refusal(decode({folder / "none"}), 66, "cannot open '");
  expect_refusal(decode({folder.path().string()}), 66, "the input cannot be read");
  expect_refusal(decode({"--batch", folder / "none"}), 66, "cannot open '");
  expect_refusal(decode({"--batch", folder.path().string()}), 66, "the input cannot be read");
}

TEST(DecodeProgram, ABatchHasAnObjectALineAndExitCodeZero) {
  const std::string input = std::string(kHex) + "\n" +                        //
                            "\n" +                                            //
                            std::string((size_t{1} << 20) + 1, 'a') + "\n" +  //
                            "a1!7\n" +                                        //
                            "a10\n" +                                         //
                            std::string(kBase64) + "\r\n" +                   //
                            "a1073005a0030a0104";
  TempFolder folder;
  for (const Outcome& outcome :
       {decode({"--batch"}, input), decode({"--batch", folder.write("lines", input)})}) {
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.error, "");
    const auto objects = lines(outcome);
    ASSERT_EQ(objects.size(), 7U);
    EXPECT_EQ(objects[0]["kind"], "spnego.NegTokenResp");
    EXPECT_EQ(objects[1]["error"]["message"], "the input is empty");
    EXPECT_EQ(objects[2]["error"]["message"], "the line is longer than 1 MiB");
    EXPECT_EQ(objects[3]["error"]["message"], "the input is neither hex nor base64");
    EXPECT_EQ(objects[3]["error"]["offset"], 2);
    EXPECT_EQ(objects[4]["error"]["message"], "the input has an odd number of hex digits");
    EXPECT_EQ(objects[5]["token"], objects[0]["token"]);
    EXPECT_EQ(objects[6]["error"]["where"], "NegTokenResp.negState");
  }
}

TEST(DecodeProgram, ABatchOfHexTakesNoBase64) {
  const auto objects = lines(decode({"--batch", "--hex"}, std::string(kHex) + "\n" + kBase64));
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_TRUE(objects[0]["ok"]);
  EXPECT_EQ(objects[1]["error"]["message"], "the input is not hex");
}

// --- keys ---

struct DecodeWithKeytab : ::testing::Test {
  TempFolder folder;
  pocketgss::testing::RecordedExchange exchange =
      pocketgss::testing::recorded_mit("spnego aes256-cts mutual");
  std::string keytab = folder.write("keytab", as_text(exchange.keytab.view()));
};

TEST_F(DecodeWithKeytab, OpensTheTicketOfAService) {
  const std::string token = pocketgss::testing::hex(exchange.from_initiator.at(0));
  const Outcome with = decode({"--keytab", keytab}, token);
  EXPECT_EQ(with.exit_code, 0) << with.error;
  EXPECT_THAT(with.output, HasSubstr("= krb5.EncTicketPart"));
  EXPECT_THAT(with.output, HasSubstr("= krb5.Authenticator"));
  EXPECT_THAT(with.output, HasSubstr("<secret>"));
  EXPECT_THAT(decode({"--keytab", keytab, "--show-keys"}, token).output,
              Not(HasSubstr("<secret>")));
  EXPECT_THAT(decode({}, token).output, Not(HasSubstr("krb5.EncTicketPart")));
}

TEST_F(DecodeWithKeytab, ABatchOpensTheMessagesOfTheContext) {
  std::string input;
  const auto add = [&](ByteView token) { input += pocketgss::testing::hex(token) + "\n"; };
  add(exchange.from_initiator.at(0));
  add(exchange.from_acceptor.at(0));
  for (const auto& message : exchange.messages) add(message.token);
  const auto objects = lines(decode({"--batch", "--keytab", keytab}, input));
  ASSERT_EQ(objects.size(), 2 + exchange.messages.size());
  size_t opened = 0;
  for (size_t i = 0; i < exchange.messages.size(); ++i) {
    const auto& message = exchange.messages[i];
    if (message.kind != "wrap-conf") continue;
    EXPECT_EQ(objects[i + 2]["token"]["Ciphertext"]["token"]["Message"]["value"],
              pocketgss::testing::hex(message.plaintext));
    ++opened;
  }
  EXPECT_GE(opened, 4U);
}

TEST_F(DecodeWithKeytab, AFileOfKeysThatCannotBeUsedIsAnError) {
  expect_refusal(decode({"--keytab", folder / "none"}, kHex), 66, "pocketgss decode: ");
  expect_refusal(decode({"--keytab", folder.write("text", "no key table")}, kHex), 65, "");
  expect_refusal(decode({"--password-file", folder / "none"}, kHex), 66, "pocketgss decode: ");
}

TEST(DecodeProgram, APasswordFileOpensTheAsExchangeOfItsUser) {
  TempFolder folder;
  for (pocketgss::testing::VectorBlock block :
       pocketgss::testing::load_vectors("krb5/kdc_sessions.vec")) {
    const bool wanted = block.text("Name") == "go-pw-default";
    std::string password, input;
    if (wanted) {
      password = block.text("Password");
      input = pocketgss::testing::hex(block.bytes_list("ASREQ").back()) + "\n" +
              pocketgss::testing::hex(block.bytes_list("ASREP").back()) + "\n";
    }
    block.ignore_unread();
    if (!wanted) continue;
    const std::string right = folder.write("right", password + "\n");
    const std::string wrong = folder.write("wrong", "x" + password + "\n");
    const Outcome opened = decode({"--batch", "--password-file", right}, input);
    EXPECT_EQ(opened.exit_code, 0) << opened.error;
    EXPECT_THAT(opened.output, HasSubstr("\"krb5.PA-ENC-TS-ENC\""));
    EXPECT_THAT(opened.output, HasSubstr("\"krb5.EncKDCRepPart\""));
    EXPECT_THAT(opened.output, Not(HasSubstr(password)));
    EXPECT_THAT(decode({"--batch", "--password-file", wrong}, input).output,
                Not(HasSubstr("krb5.EncKDCRepPart")));
    return;
  }
  FAIL() << "no such session";
}

}  // namespace
}  // namespace pocketgss::tools
