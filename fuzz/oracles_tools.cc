// What must hold for the parsers of the program.
#include "fuzz/oracles_tools.h"

#include <algorithm>
#include <string>

#include "fuzz/check.h"
#include "tools/tls/host_name.h"
#include "tools/users/user_file.h"

namespace pocketgss::fuzz {
namespace {

using tools::UserFile;

constexpr FixedBytes<16> kHash = {1, 2, 3};
constexpr const char* kNewName = "added by the fuzzer";

void check_refusal(const tools::Failure& failure, ByteView text) {
  PGSS_FUZZ_CHECK(failure.message.starts_with("users:"));
  const unsigned long line = std::stoul(failure.message.substr(6));
  const auto lines = static_cast<unsigned long>(std::count(text.begin(), text.end(), '\n')) + 1;
  PGSS_FUZZ_CHECK(line >= 1 && line <= lines);
}

void check_changes(const UserFile& file, ByteView text) {
  if (file.find(kNewName)) return;
  const auto added = UserFile::parse(file.with(kNewName, FixedView<16>(kHash)), "users");
  PGSS_FUZZ_CHECK(added.has_value() && added.value().size() == file.size() + 1);
  PGSS_FUZZ_CHECK(ByteView(added.value().find(kNewName)->key.view()) ==
                  ByteView(FixedView<16>(kHash)));
  const auto removed = added.value().without(kNewName);
  PGSS_FUZZ_CHECK(removed.has_value());
  const ByteView rest = removed->view();
  PGSS_FUZZ_CHECK(rest.size() >= text.size() && rest.size() <= text.size() + 1 &&
                  rest.prefix(text.size()) == text);
}

bool inside(ByteView part, ByteView whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

void check_user_file(ByteView text) {
  const auto file = UserFile::parse(SecretBytes(text), "users");
  if (!file.has_value()) return check_refusal(file.failure(), text);
  check_changes(file.value(), text);
}

void check_subject_names(ByteView extension_value) {
  const auto names = tools::parse_subject_names(extension_value);
  if (!names.has_value()) return;
  for (const std::string_view name : names.value().dns) {
    PGSS_FUZZ_CHECK(inside(as_bytes(name), extension_value));
    const bool plain = !name.empty() && name.find_first_of("*.") == std::string_view::npos &&
                       name.find('\0') == std::string_view::npos && !tools::is_address(name);
    if (plain) PGSS_FUZZ_CHECK(tools::names_host(names.value(), name));
  }
  for (const ByteView address : names.value().addresses)
    PGSS_FUZZ_CHECK(inside(address, extension_value));
}

}  // namespace pocketgss::fuzz
