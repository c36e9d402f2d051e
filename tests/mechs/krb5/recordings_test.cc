// The list of the recordings of Kerberos exchanges: each is in a file that a test compares, or is left
// out for a reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/names.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::load_vectors;
using pocketgss::testing::VectorBlock;

std::vector<std::string> names_of(VectorBlock& block) {
  std::vector<std::string> out;
  for (const Bytes& name : block.bytes_list("Name")) out.emplace_back(as_text(name));
  return out;
}

std::set<std::string> names_in(const std::string& file) {
  std::set<std::string> out;
  for (VectorBlock& block : load_vectors(file)) {
    if (block.has("Name")) out.insert(block.text("Name"));
  }
  return out;
}

// vector_files are all of vectors/, by their path in it.
std::vector<std::string> vector_files() {
  const std::filesystem::path root = PGSS_VECTORS_DIR;
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".vec") {
      out.push_back(entry.path().lexically_relative(root).generic_string());
    }
  }
  return out;
}

// ap_req_in finds an AP-REQ in a token that need not be well-formed around it; empty: there is none.
ByteView ap_req_in(ByteView token) {
  const FixedBytes<2> start = {0x6e, 0x82};  // APPLICATION 14, with two octets of length
  const auto at = std::search(token.begin(), token.end(), start.begin(), start.end());
  if (token.end() - at < 4) return {};
  const ByteView found = token.from(static_cast<size_t>(at - token.begin()));
  const size_t size = 4U + (size_t{found[2]} << 8) + found[3];
  return found.size() < size ? ByteView() : found.prefix(size);
}

class KerberosRecordings : public ::testing::Test {
 protected:
  void compared(VectorBlock& block) {
    const std::string file = block.text("File");
    EXPECT_FALSE(block.text("What").empty());
    const auto names = names_of(block);
    add(names);
    EXPECT_EQ(std::set(names.begin(), names.end()), names_in(file)) << file;
    const std::set<std::string> all = names_in(file);
    in_files_.insert(all.begin(), all.end());
  }

  // tickets_opened is for exchanges that other tests replay for the sake of what is around Kerberos.
  void tickets_opened(VectorBlock& block) {
    const auto names = names_of(block);
    add(names);
    const std::string service = block.text("Service");
    const Key key =
        Key::create(static_cast<int32_t>(block.number("Etype")), block.bytes("Key")).value();
    std::set<std::string> left(names.begin(), names.end());
    for (VectorBlock& recorded : load_vectors(block.text("File"))) {
      if (!recorded.has("Name") || left.erase(recorded.text("Name")) == 0) continue;
      SCOPED_TRACE(recorded.where());
      size_t opened = 0;
      for (const Bytes& token : recorded.bytes_list("FromInitiator")) {
        const ByteView ap_req = ap_req_in(token);
        if (ap_req.empty()) continue;
        open(parse_ap_req(ap_req).value(), service, key);
        ++opened;
      }
      EXPECT_GE(opened, 1U);
    }
    EXPECT_TRUE(left.empty()) << *left.begin();
  }

  void left_out(VectorBlock& block) {
    EXPECT_FALSE(block.text("Reason").empty());
    for (const std::string& name : names_of(block)) {
      add({name});
      left_out_.insert(name);
    }
  }

  void TearDown() override {
    for (const std::string& name : left_out_) EXPECT_EQ(in_files_.count(name), 0U) << name;
  }

 private:
  void add(const std::vector<std::string>& names) {
    EXPECT_FALSE(names.empty());
    for (const std::string& name : names) EXPECT_TRUE(seen_.insert(name).second) << name;
  }

  void open(const ApReq& request, const std::string& service, const Key& key) {
    EXPECT_EQ(principal_text(NameComponents(request.ticket.sname, request.ticket.realm).view()),
              service);
    const SecretBytes ticket_plain =
        decrypt_part(runtime_, key, KeyUsage::kTicket, request.ticket.enc_part.cipher).value();
    const Key session_key =
        key_of(parse_enc_ticket_part(ticket_plain.view()).value().key, true).value();
    const SecretBytes plain = decrypt_part(runtime_, session_key, KeyUsage::kApReqAuthenticator,
                                           request.authenticator.cipher)
                                  .value();
    const Authenticator authenticator = parse_authenticator(plain.view()).value();
    ASSERT_TRUE(authenticator.cksum.has_value());
    EXPECT_TRUE(parse_gss_checksum(authenticator.cksum->checksum).has_value());
  }

  Runtime runtime_ = Runtime::create().value();
  std::set<std::string> seen_, in_files_, left_out_;
};

TEST_F(KerberosRecordings, EachIsComparedOrLeftOutForAReason) {
  pocketgss::testing::run_vectors(
      "krb5/recordings.vec", {{"Compared", [&](VectorBlock& block) { compared(block); }},
                              {"TicketsOpened", [&](VectorBlock& block) { tickets_opened(block); }},
                              {"LeftOut", [&](VectorBlock& block) { left_out(block); }}});
}

// A recording that is in some other file, for the sake of what is around Kerberos, is not forgotten.
TEST(KerberosRecordingsList, HasEveryExchangeWithAnApReqThatIsInAnyFile) {
  std::set<std::string> listed;
  for (VectorBlock& block : load_vectors("krb5/recordings.vec")) {
    for (const std::string& name : names_of(block)) listed.insert(name);
  }
  std::set<std::string> with_ap_req;
  std::set<Bytes> tokens, unnamed;
  for (const std::string& file : vector_files()) {
    for (VectorBlock& block : load_vectors(file)) {
      for (const auto& [kind, token] : block.sequence({"FromInitiator", "Initiator"})) {
        const ByteView ap_req = ap_req_in(token);
        if (ap_req.empty() || !parse_ap_req(ap_req).has_value()) continue;
        if (!block.has("Name")) {
          unnamed.insert(token);
          continue;
        }
        const std::string name = block.text("Name");
        EXPECT_EQ(listed.count(name), 1U) << block.where() << " " << name;
        with_ap_req.insert(name);
        tokens.insert(token);
      }
    }
  }
  EXPECT_GE(with_ap_req.size(), 154U);
  for (const Bytes& token : unnamed) EXPECT_EQ(tokens.count(token), 1U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
