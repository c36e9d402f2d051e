// Vector files: blocks of `[Instruction]` and `Name = value` lines; vectors/README.md has the
// format.
#ifndef PGSS_TESTS_SUPPORT_VECTOR_FILE_H_
#define PGSS_TESTS_SUPPORT_VECTOR_FILE_H_

#include <pocketgss/bytes.h>
#include <pocketgss/error.h>
#include <pocketgss/result.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pocketgss::testing {

// VectorBlock is one case. A read of an attribute that is not there, is there twice or has another
// form is a test failure at its line, and gives an empty value. What no read asked for is a failure
// when the case is done, so a file cannot promise what no test checks.
class VectorBlock {
 public:
  struct Attribute {
    std::string name;
    std::string value;  // as in the file, without the comment: hex, a word, or text in quotes
    int line;
    bool read = false;
  };

  VectorBlock(std::string file, int line, std::string instruction);

  const std::string& instruction() const { return instruction_; }
  std::string where() const;              // "vectors/ntlm/md4.vec:12: [MD4]"
  bool has(std::string_view name) const;  // does not count as a read
  size_t count(std::string_view name) const;

  Bytes bytes(std::string_view name);       // hex, or quoted text as its bytes
  std::string text(std::string_view name);  // quoted text
  std::string word(std::string_view name);  // not quoted, such as kMalformed
  uint64_t number(std::string_view name);   // decimal, or hexadecimal after 0x
  std::optional<Bytes> optional_bytes(std::string_view name);
  std::optional<std::string> optional_text(std::string_view name);
  std::optional<std::string> optional_word(std::string_view name);
  std::optional<uint64_t> optional_number(std::string_view name);

  // A name that may be repeated: every value, in order.
  std::vector<Bytes> bytes_list(std::string_view name);
  // Several names that may be repeated and mixed: (name, bytes) in the order of the file.
  std::vector<std::pair<std::string, Bytes>> sequence(const std::vector<std::string_view>& names);

  // must_fail says whether the block has `Error`. expect_error compares with `Error` (the
  // enumerator), and with `Offset` and `Where` as far as they are there.
  bool must_fail() const { return has("Error"); }
  void expect_error(const Error& actual);
  template <typename T>
  void expect_error(const Result<T>& result) {
    if (result.has_value()) {
      unexpected_success();
    } else {
      expect_error(result.error());
    }
  }

  void add(Attribute attribute) { attributes_.push_back(std::move(attribute)); }
  void ignore_unread();
  void report_unread() const;

 private:
  Attribute* find(std::string_view name, bool required);
  Bytes bytes_of(const Attribute&);
  std::string text_of(const Attribute&);
  std::string word_of(const Attribute&);
  uint64_t number_of(const Attribute&);
  void fail(int line, const std::string& message) const;
  void unexpected_success();

  std::string file_;
  int line_;
  std::string instruction_;
  std::vector<Attribute> attributes_;
};

// parse_vectors splits the text of a file into blocks; a line of no known form is a test failure.
std::vector<VectorBlock> parse_vectors(std::string_view text, const std::string& file);

// load_vectors reads vectors/<file>.
std::vector<VectorBlock> load_vectors(const std::string& file);

// run_vectors calls for each block of vectors/<file> the handler of its instruction. Failures: an
// instruction without handler, a handler without block, an attribute that nobody read.
using VectorHandler = std::function<void(VectorBlock&)>;
using VectorHandlers = std::map<std::string, VectorHandler>;
void run_vectors(const std::string& file, const VectorHandlers& handlers);
void run_blocks(std::vector<VectorBlock> blocks, const std::string& file,
                const VectorHandlers& handlers);

// enumerator returns the name of a code as the files write it: "kPeerMisbehaved".
std::string enumerator(Errc code);

// read_elsewhere is the handler of an instruction that another test of the same file serves.
void read_elsewhere(VectorBlock&);

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_VECTOR_FILE_H_
