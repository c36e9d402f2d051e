// The fuzz targets' oracles over vectors/sasl, and over all that is near it.
#include <gtest/gtest.h>
#include <pocketgss/base64.h>

#include "fuzz/oracles_sasl.h"
#include "tests/support/vector_file.h"

namespace pocketgss {
namespace {

using testing::VectorBlock;

std::string last_line(const std::string& log) {
  if (log.empty()) return "";
  const size_t before = log.rfind('\n', log.size() - 2);
  return log.substr(before == log.npos ? 0 : before + 1);
}

// Under the sanitizers, where a session costs fifty times as much and the fuzzers run the same
// oracles, every 17th script; it reaches each of the bits.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PGSS_SLOW_SESSIONS
#endif
#endif
#ifdef PGSS_SLOW_SESSIONS
constexpr unsigned kScriptStep = 17;
#else
constexpr unsigned kScriptStep = 1;
#endif

// check runs one session, every beginning of it, it with each octet altered, and with all settings
// but those bits that mean nothing.
template <typename Oracle>
void check(VectorBlock& block, Oracle oracle, unsigned unused_settings = 0) {
  const Bytes input = block.bytes("Input");
  const std::string log = oracle(input);
  EXPECT_EQ(last_line(log).rfind(block.text("Ends"), 0), 0u) << block.where() << "\n" << log;
  for (size_t size = 2; size < input.size(); ++size) oracle(ByteView(input).prefix(size));
  for (size_t i = 2; i < input.size(); ++i) {
    for (const int flip : {0x01, 0x08, 0x80}) {
      Bytes altered = input;
      altered[i] = static_cast<uint8_t>(altered[i] ^ flip);
      oracle(altered);
    }
  }
  for (unsigned settings = 0; settings < 256; ++settings) {
    if ((settings & unused_settings) != 0) continue;
    for (unsigned script = 0; script < 256; script += kScriptStep) {
      Bytes altered = input;
      altered[0] = static_cast<uint8_t>(settings);
      altered[1] = static_cast<uint8_t>(script);
      oracle(altered);
    }
  }
}

TEST(SaslOracles, HoldForTheSessions) {
  testing::run_vectors(
      "sasl/sessions.vec",
      {{"Client", [](VectorBlock& block) { check(block, fuzz::check_smtp_client_session, 0x40); }},
       {"Server", [](VectorBlock& block) { check(block, fuzz::check_smtp_server_session); }},
       {"Buffers", [](VectorBlock& block) {
          const Bytes input = block.bytes("Input");
          fuzz::check_layer(input);
          for (size_t bit = 0; bit < 8 * input.size(); ++bit) {
            Bytes altered = input;
            altered[bit / 8] = static_cast<uint8_t>(altered[bit / 8] ^ 1u << bit % 8);
            fuzz::check_layer(ByteView(altered).prefix(1 + bit / 8));
            fuzz::check_layer(altered);
          }
        }}});
}

TEST(SaslOracles, HoldForBase64AndLines) {
  for (const std::string text :
       {"", "Zg==", "Zh==", "Zm9v", "a\r\nb\n\rc\r\n.\r\n..\r\n", "250-a\r\n250 b\r\n",
        "250-a\r\n251 b\r\n", "\r\r\n", ".\r\n", "x\r\n.\r\nNEXT"}) {
    fuzz::check_base64(as_bytes(text));
    fuzz::check_lines(as_bytes(text));
  }
  const std::string longer = std::string(100, 'x') + "\r\n" + std::string(62, 'y') + "\r\n";
  fuzz::check_lines(as_bytes(longer));
}

}  // namespace
}  // namespace pocketgss
