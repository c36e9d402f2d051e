// Round trips of text, and bindings of certificates against the hash computed anew.
#include "fuzz/oracles_lib.h"

#include <pocketgss/channel_bindings.h>
#include <pocketgss/credential.h>

#include <algorithm>
#include <optional>

#include "base/crypto.h"
#include "base/utf16.h"
#include "fuzz/check.h"

namespace pocketgss::fuzz {
namespace {

void check_error(const Error& error, ByteView in, const char* field) {
  PGSS_FUZZ_CHECK(error.code == Errc::kMalformed && error.where == field);
  PGSS_FUZZ_CHECK(error.offset < in.size());
}

void check_upcase(std::string_view utf8, const Bytes& utf16) {
  Bytes upper = utf16;
  simple_upcase_utf16le(upper);
  const std::string text = simple_upcase(utf8, "text").value();
  Bytes upper_of_text;
  PGSS_FUZZ_CHECK(utf8_to_utf16le(text, "text", upper_of_text).has_value());
  PGSS_FUZZ_CHECK(upper_of_text == upper);
  PGSS_FUZZ_CHECK(simple_upcase(text, "text").value() == text);
}

void check_account_name(std::string_view text) {
  const Result<AccountName> name = AccountName::parse(text);
  if (!name.has_value()) return;
  PGSS_FUZZ_CHECK(name.value().text() == text);
  PGSS_FUZZ_CHECK(!name.value().user.empty());
  PGSS_FUZZ_CHECK(text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos);
}

std::optional<crypto::HashAlgorithm> algorithm_of_size(size_t size) {
  switch (size) {
    case 28:
      return crypto::HashAlgorithm::kSha224;
    case 32:
      return crypto::HashAlgorithm::kSha256;
    case 48:
      return crypto::HashAlgorithm::kSha384;
    case 64:
      return crypto::HashAlgorithm::kSha512;
    default:
      return std::nullopt;
  }
}

}  // namespace

void check_utf8(ByteView text) {
  Bytes utf16;
  const Result<void> done = utf8_to_utf16le(as_text(text), "text", utf16);
  const Result<SecretBytes> password = password_to_utf16le(text, "text");
  check_account_name(as_text(text));
  if (!done.has_value()) {
    check_error(done.error(), text, done.error().where);
    PGSS_FUZZ_CHECK(utf16.empty());
    return;
  }
  PGSS_FUZZ_CHECK(utf16.size() % 2 == 0);
  std::string again;
  PGSS_FUZZ_CHECK(utf16le_to_utf8(utf16, "text", again).has_value() && as_bytes(again) == text);
  PGSS_FUZZ_CHECK(password.has_value() && password.value().view() == ByteView(utf16));
  check_upcase(as_text(text), utf16);
}

void check_utf16(ByteView utf16le) {
  Bytes upper = utf16le.to_bytes();
  simple_upcase_utf16le(upper);
  std::string utf8, of_upper;
  const Result<void> done = utf16le_to_utf8(utf16le, "text", utf8);
  PGSS_FUZZ_CHECK(utf16le_to_utf8(upper, "text", of_upper).has_value() == done.has_value());
  if (!done.has_value()) return check_error(done.error(), utf16le, done.error().where);
  Bytes again;
  PGSS_FUZZ_CHECK(utf8_to_utf16le(utf8, "text", again).has_value());
  PGSS_FUZZ_CHECK(ByteView(again) == utf16le);
}

void check_certificate(ByteView der) {
  const Result<ChannelBinding> binding = ChannelBinding::tls_server_end_point(der);
  if (!binding.has_value()) {
    const Errc code = binding.error().code;
    PGSS_FUZZ_CHECK(code == Errc::kMalformed || code == Errc::kPeerIncompatible);
    PGSS_FUZZ_CHECK(binding.error().offset <= der.size());
    return;
  }
  const ByteView prefix = as_bytes("tls-server-end-point:");
  const ByteView data = binding.value().application_data;
  PGSS_FUZZ_CHECK(data.size() > prefix.size() && data.prefix(prefix.size()) == prefix);
  const ByteView digest = data.from(prefix.size());
  const auto algorithm = algorithm_of_size(digest.size());
  PGSS_FUZZ_CHECK(algorithm.has_value());
  FixedBytes<crypto::kMaxHashSize> expected;
  PGSS_FUZZ_CHECK(crypto::hash(*algorithm, der, expected).value() == digest.size());
  PGSS_FUZZ_CHECK(std::equal(digest.begin(), digest.end(), expected.begin()));

  PGSS_FUZZ_CHECK(!ChannelBinding::tls_server_end_point(der.prefix(der.size() - 1)).has_value());
  Bytes longer = der.to_bytes();
  longer.push_back(0);
  PGSS_FUZZ_CHECK(!ChannelBinding::tls_server_end_point(longer).has_value());
}

}  // namespace pocketgss::fuzz
