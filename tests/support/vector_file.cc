// Vector files: the parser, and the reads that report at file and line.
#include "tests/support/vector_file.h"

#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace pocketgss::testing {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view s) {
  const size_t first = s.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlanks) - first + 1);
}

// Drops a comment: a `#` that is not inside quotes.
std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == '#' && !quoted) {
      return line.substr(0, i);
    }
  }
  return line;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Bytes> parse_hex(std::string_view text) {
  Bytes out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    if (high >= 0) out.push_back(static_cast<uint8_t>(high << 4 | digit));
    high = high < 0 ? digit : -1;
  }
  if (high >= 0) return std::nullopt;
  return out;
}

bool is_quoted(std::string_view value) {
  return !value.empty() && value.front() == '"';
}

// Text in quotes: \" \\ \n \r \t and \xHH.
std::optional<std::string> parse_quoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') return std::nullopt;
    if (value[i] != '\\') {
      out.push_back(value[i]);
      continue;
    }
    if (++i == value.size()) return std::nullopt;
    switch (value[i]) {
      case '"':
      case '\\':
        out.push_back(value[i]);
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'x': {
        if (value.size() - i < 3) return std::nullopt;
        const int high = hex_digit(value[i + 1]);
        const int low = hex_digit(value[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high << 4 | low));
        i += 2;
        break;
      }
      default:
        return std::nullopt;
    }
  }
  return out;
}

std::string path_of(const std::string& file) {
  return std::string(PGSS_VECTORS_DIR "/") + file;
}

}  // namespace

VectorBlock::VectorBlock(std::string file, int line, std::string instruction)
    : file_(std::move(file)), line_(line), instruction_(std::move(instruction)) {}

std::string VectorBlock::where() const {
  return file_ + ":" + std::to_string(line_) + ": [" + instruction_ + "]";
}

void VectorBlock::fail(int line, const std::string& message) const {
  ADD_FAILURE_AT(file_.c_str(), line) << message;
}

void VectorBlock::unexpected_success() {
  fail(line_, "accepted; the file says Error = " + word("Error"));
}

size_t VectorBlock::count(std::string_view name) const {
  size_t n = 0;
  for (const Attribute& a : attributes_) n += a.name == name ? 1 : 0;
  return n;
}

bool VectorBlock::has(std::string_view name) const {
  return count(name) != 0;
}

VectorBlock::Attribute* VectorBlock::find(std::string_view name, bool required) {
  Attribute* found = nullptr;
  for (Attribute& a : attributes_) {
    if (a.name != name) continue;
    if (found != nullptr) fail(a.line, a.name + " is here a second time");
    found = &a;
    a.read = true;
  }
  if (found == nullptr && required) {
    fail(line_, "[" + instruction_ + "] lacks " + std::string(name));
  }
  return found;
}

Bytes VectorBlock::bytes_of(const Attribute& a) {
  if (is_quoted(a.value)) return as_bytes(text_of(a)).to_bytes();
  std::optional<Bytes> out = parse_hex(a.value);
  if (!out) fail(a.line, a.name + " is neither hex nor quoted text");
  return out.value_or(Bytes());
}

std::string VectorBlock::text_of(const Attribute& a) {
  std::optional<std::string> out = parse_quoted(a.value);
  if (!out) fail(a.line, a.name + " is no quoted text");
  return out.value_or("");
}

std::string VectorBlock::word_of(const Attribute& a) {
  if (a.value.empty() || a.value.find_first_of("\" \t") != std::string::npos) {
    fail(a.line, a.name + " is no single word");
  }
  return a.value;
}

uint64_t VectorBlock::number_of(const Attribute& a) {
  const bool hexadecimal = a.value.starts_with("0x");
  const char* first = a.value.data() + (hexadecimal ? 2 : 0);
  const char* last = a.value.data() + a.value.size();
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(first, last, out, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != last) fail(a.line, a.name + " is no number");
  return out;
}

Bytes VectorBlock::bytes(std::string_view name) {
  const Attribute* a = find(name, true);
  return a == nullptr ? Bytes() : bytes_of(*a);
}

std::string VectorBlock::text(std::string_view name) {
  const Attribute* a = find(name, true);
  return a == nullptr ? std::string() : text_of(*a);
}

std::string VectorBlock::word(std::string_view name) {
  const Attribute* a = find(name, true);
  return a == nullptr ? std::string() : word_of(*a);
}

uint64_t VectorBlock::number(std::string_view name) {
  const Attribute* a = find(name, true);
  return a == nullptr ? 0 : number_of(*a);
}

std::optional<Bytes> VectorBlock::optional_bytes(std::string_view name) {
  const Attribute* a = find(name, false);
  return a == nullptr ? std::nullopt : std::optional(bytes_of(*a));
}

std::optional<std::string> VectorBlock::optional_text(std::string_view name) {
  const Attribute* a = find(name, false);
  return a == nullptr ? std::nullopt : std::optional(text_of(*a));
}

std::optional<std::string> VectorBlock::optional_word(std::string_view name) {
  const Attribute* a = find(name, false);
  return a == nullptr ? std::nullopt : std::optional(word_of(*a));
}

std::optional<uint64_t> VectorBlock::optional_number(std::string_view name) {
  const Attribute* a = find(name, false);
  return a == nullptr ? std::nullopt : std::optional(number_of(*a));
}

std::vector<Bytes> VectorBlock::bytes_list(std::string_view name) {
  std::vector<Bytes> out;
  for (auto& [_, value] : sequence({name})) out.push_back(std::move(value));
  return out;
}

std::vector<std::pair<std::string, Bytes>> VectorBlock::sequence(
    const std::vector<std::string_view>& names) {
  std::vector<std::pair<std::string, Bytes>> out;
  for (Attribute& a : attributes_) {
    if (std::find(names.begin(), names.end(), a.name) == names.end()) continue;
    a.read = true;
    out.emplace_back(a.name, bytes_of(a));
  }
  return out;
}

void VectorBlock::expect_error(const Error& actual) {
  const std::string code = word("Error");
  const std::optional<uint64_t> offset = optional_number("Offset");
  const std::optional<std::string> field = optional_text("Where");
  if (enumerator(actual.code) != code) {
    fail(line_, "Error = " + code + ", but refused with " + describe(actual));
  }
  if (offset && *offset != actual.offset) {
    fail(line_, "Offset = " + std::to_string(*offset) + ", but refused with " + describe(actual) +
                    " at " + std::to_string(actual.offset));
  }
  if (field && *field != actual.where) {
    fail(line_, "Where = " + *field + ", but refused with " + describe(actual));
  }
}

void VectorBlock::ignore_unread() {
  for (Attribute& a : attributes_) a.read = true;
}

void VectorBlock::report_unread() const {
  for (const Attribute& a : attributes_) {
    if (!a.read) fail(a.line, a.name + " was read by no test");
  }
}

std::vector<VectorBlock> parse_vectors(std::string_view text, const std::string& file) {
  std::vector<VectorBlock> blocks;
  int line_number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = trim(without_comment(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++line_number;
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    if (line.front() == '[' && line.back() == ']' && line.size() > 2) {
      blocks.emplace_back(file, line_number, std::string(line.substr(1, line.size() - 2)));
    } else if (equals != std::string_view::npos && equals != 0 && !blocks.empty()) {
      blocks.back().add({std::string(trim(line.substr(0, equals))),
                         std::string(trim(line.substr(equals + 1))), line_number});
    } else {
      ADD_FAILURE_AT(file.c_str(), line_number) << "neither [Instruction] nor Name = value";
    }
  }
  return blocks;
}

std::vector<VectorBlock> load_vectors(const std::string& file) {
  std::ifstream in(path_of(file), std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) ADD_FAILURE_AT(path_of(file).c_str(), 1) << "cannot be read";
  return parse_vectors(text.str(), path_of(file));
}

void run_vectors(const std::string& file, const VectorHandlers& handlers) {
  run_blocks(load_vectors(file), path_of(file), handlers);
}

void run_blocks(std::vector<VectorBlock> blocks, const std::string& file,
                const VectorHandlers& handlers) {
  std::set<std::string> seen;
  for (VectorBlock& block : blocks) {
    SCOPED_TRACE(block.where());
    seen.insert(block.instruction());
    const auto handler = handlers.find(block.instruction());
    if (handler == handlers.end()) {
      ADD_FAILURE() << "no test reads [" << block.instruction() << "]";
      continue;
    }
    handler->second(block);
    if (!::testing::Test::HasFatalFailure()) block.report_unread();
  }
  for (const auto& [instruction, _] : handlers) {
    if (!seen.contains(instruction)) {
      ADD_FAILURE_AT(file.c_str(), 1) << "has no [" << instruction << "]";
    }
  }
}

// "peer-misbehaved" is kPeerMisbehaved in the files, as in the code.
std::string enumerator(Errc code) {
  std::string out = "k";
  bool upper = true;
  for (const char* c = name(code); *c != '\0'; ++c) {
    if (*c == '-') {
      upper = true;
    } else {
      out.push_back(upper ? static_cast<char>(*c - 'a' + 'A') : *c);
      upper = false;
    }
  }
  return out;
}

void read_elsewhere(VectorBlock& block) {
  block.ignore_unread();
}

}  // namespace pocketgss::testing
