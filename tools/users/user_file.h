// The user file: UTF-8, a line an account, `name:nthash-in-hex`, comments after `#`. Names are
// compared by simple upper-casing.
#ifndef PGSS_TOOLS_USERS_USER_FILE_H_
#define PGSS_TOOLS_USERS_USER_FILE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pocketgss/secret.h>
#include <pocketgss/step.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

// UserFile is one version of the file, checked as a whole: names are unique, every line is
// understood. It never holds a clear password. It is immutable; changes give the text of the next
// version.
//
//   file    = *( [ line ] LF )           the last LF may be missing; CR before LF is dropped
//   line    = name ":" hash / "#" text   white space before "#" is allowed
//   name    = 1 to 256 UTF-16 units; no control character, no ":", "\", "@", no white space at its
//   ends hash    = 32 hexadecimal digits, either case: NTOWFv1 ([MS-NLMP] 3.3.1)
class UserFile {
 public:
  // parse takes the whole text; `path` is for messages. Failure: kConfig, "PATH:LINE: what is
  // wrong".
  static Fallible<UserFile> parse(SecretBytes text, const std::string& path);
  // load reads the file. Failures: those of parse(); kNoInput; kConfig where others than its owner
  // may read it, or where it is no regular file.
  static Fallible<UserFile> load(const std::string& path);

  UserFile(UserFile&&) noexcept = default;
  UserFile& operator=(UserFile&&) noexcept = default;

  // find looks `D\u`, `u@d` and `u` up as `u`. None: unknown, or no name at all.
  std::optional<Account> find(std::string_view user) const;
  size_t size() const { return entries_.size(); }

  // with gives the text in which `name` has this hash: its line is changed in place, or a new one
  // comes last; all other lines stay as they are, byte by byte. without gives the text without the
  // account's line; none: there is no such account. `name` is an account name as account_name_of()
  // returns it.
  SecretBytes with(std::string_view name, FixedView<16> nt_hash) const;
  std::optional<SecretBytes> without(std::string_view name) const;

 private:
  struct Entry {
    std::string name;  // as it is spelt in the file
    SecretArray<16> nt_hash;
    size_t line = 0;            // from 1
    size_t begin = 0, end = 0;  // of the line in text_, its LF included
  };

  UserFile() = default;
  std::optional<std::string> add_line(std::string_view line, size_t number, size_t begin,
                                      size_t end);
  const Entry* entry(std::string_view name) const;
  SecretBytes replaced(size_t begin, size_t end, ByteView middle) const;

  SecretBytes text_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;  // by upper-cased name
};

// account_name_of takes `D\u`, `u@d` or `u` and returns `u`, if that may stand in a user file.
// Failure: kUsage, in words.
Fallible<std::string> account_name_of(std::string_view user);

// update_user_file makes the next version: under a lock of the folder it reads the file (an empty
// one if there is none), asks `change` for the next text, and puts that in its place atomically,
// mode 0600, owned as the file was. A crash leaves the old version or the new one. Failures: those
// of load(), of `change`, kCantCreate, kTempFail.
using UserFileChange = std::function<Fallible<SecretBytes>(const UserFile& current)>;
Fallible<Nothing> update_user_file(const std::string& path, const UserFileChange& change);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_USERS_USER_FILE_H_
