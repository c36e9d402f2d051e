// Replacing the user file.
#include "tools/update_file.h"
#include "tools/users/user_file.h"

namespace pocketgss::tools {

Fallible<Nothing> update_user_file(const std::string& path, const UserFileChange& change) {
  const auto next = [&](const std::string& target, bool exists) -> Fallible<SecretBytes> {
    const auto current = exists ? UserFile::load(target) : UserFile::parse(SecretBytes(), target);
    if (!current.has_value()) return current.failure();
    return change(current.value());
  };
  return update_file(path, "user file", next);
}

}  // namespace pocketgss::tools
