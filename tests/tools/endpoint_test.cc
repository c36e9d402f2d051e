// Host and port as people write them.
#include "tools/net/endpoint.h"

#include <gtest/gtest.h>

namespace pocketgss::tools {
namespace {

std::optional<Endpoint> of(std::string host, std::optional<uint16_t> port = std::nullopt) {
  return Endpoint{std::move(host), port};
}

TEST(Endpoint, TakesNamesAddressesAndPorts) {
  EXPECT_EQ(parse_endpoint("mail.example.test"), of("mail.example.test"));
  EXPECT_EQ(parse_endpoint("mail.example.test:587"), of("mail.example.test", 587));
  EXPECT_EQ(parse_endpoint("127.0.0.1:0"), of("127.0.0.1", 0));
  EXPECT_EQ(parse_endpoint("[::1]:465"), of("::1", 465));
  EXPECT_EQ(parse_endpoint("[fe80::1%eth0]"), of("fe80::1%eth0"));
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", ":587", "host:", "host:65536", "host:-1", "host:5 ", "::1", "::1:587", "[::1",
        "[::1]587", "[::1]:", "[host]:1", "[]", "ho st", "host:1:2", "host\r\n:25"}) {
    EXPECT_EQ(parse_endpoint(text), std::nullopt) << text;
  }
}

TEST(Endpoint, HasAProperNameWithoutZoneAndLastDot) {
  EXPECT_EQ(proper_name("mail.example.test"), "mail.example.test");
  EXPECT_EQ(proper_name("mail.example.test."), "mail.example.test");
  EXPECT_EQ(proper_name("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(proper_name("fe80::1"), "fe80::1");
  EXPECT_EQ(proper_name("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(proper_name("fe80::1%eth0."), "fe80::1");
  EXPECT_EQ(proper_name("."), ".");
}

TEST(Endpoint, IsWrittenAsItIsRead) {
  for (const char* text : {"mail.example.test:587", "[::1]:25", "192.0.2.1"}) {
    EXPECT_EQ(to_text(*parse_endpoint(text)), text);
  }
}

}  // namespace
}  // namespace pocketgss::tools
