// Hex, base64 or raw: reading a token as users have it.
#include "tools/decode/input.h"

#include <pocketgss/base64.h>

#include <algorithm>

#include "tools/decode/hex.h"

namespace pocketgss::tools {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_printable(char c) {
  return c > ' ' && c <= '~';
}
bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_base64_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
         c == '/' || c == '=';
}

// A line of a batch is never raw: a token's own octets may hold line ends.
InputFormat guess(std::string_view text, bool may_be_raw) {
  if (may_be_raw && !std::all_of(text.begin(), text.end(),
                                 [](char c) { return is_printable(c) || is_space(c); })) {
    return InputFormat::kRaw;
  }
  const bool hex =
      std::all_of(text.begin(), text.end(), [](char c) { return is_hex_digit(c) || is_space(c); });
  return hex ? InputFormat::kHex : InputFormat::kBase64;
}

// first_misfit returns where the first character stands that `fits` does not take.
template <typename Fits>
std::optional<uint32_t> first_misfit(std::string_view text, bool white_space, Fits fits) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!fits(text[i]) && !(white_space && is_space(text[i]))) return static_cast<uint32_t>(i);
  }
  return std::nullopt;
}

std::string without_space(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return !is_space(c); });
  return out;
}

// position_of is where the character `index` of without_space(text) stands in `text`; of one behind
// the last, the place behind that.
uint32_t position_of(size_t index, std::string_view text) {
  size_t behind_last = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    if (index-- == 0) return static_cast<uint32_t>(i);
    behind_last = i + 1;
  }
  return static_cast<uint32_t>(behind_last);
}

Input refused(std::string sentence, uint32_t offset = 0) {
  return Input{std::nullopt, std::move(sentence), offset};
}

Input from_hex_text(std::string_view text, bool white_space) {
  if (const auto at = first_misfit(text, white_space, is_hex_digit))
    return refused("the input is not hex", *at);
  const std::string digits = without_space(text);
  auto octets = from_hex(digits);
  if (!octets) {
    return refused("the input has an odd number of hex digits", position_of(digits.size(), text));
  }
  return Input{std::move(octets), "", 0};
}

Input from_base64_text(std::string_view text, bool white_space) {
  if (const auto at = first_misfit(text, white_space, is_base64_character)) {
    return refused("the input is neither hex nor base64", *at);
  }
  auto octets = base64_decode(without_space(text));
  if (!octets.has_value())
    return refused("the input is not canonical base64", position_of(octets.error().offset, text));
  return Input{std::move(octets).value(), "", 0};
}

}  // namespace

Input octets_of(std::string_view text, InputFormat format, bool line) {
  if (text.size() > kMaxInput) return refused("the input is longer than 1 MiB");
  if (text.empty()) return refused("the input is empty");
  if (format == InputFormat::kAuto) format = guess(text, !line);
  switch (format) {
    case InputFormat::kHex:
      return from_hex_text(text, !line);
    case InputFormat::kRaw:
      return Input{as_bytes(text).to_bytes(), "", 0};
    case InputFormat::kBase64:
    case InputFormat::kAuto:
      break;
  }
  return from_base64_text(text, !line);
}

std::optional<Line> read_line(std::istream& in) {
  Line line;
  bool any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    if (c == '\n') break;
    if (line.text.size() < kMaxInput + 1) {
      line.text.push_back(static_cast<char>(c));
    } else {
      line.too_long = true;
    }
  }
  if (!any) return std::nullopt;
  if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
  line.too_long = line.too_long || line.text.size() > kMaxInput;
  return line;
}

std::string read_all(std::istream& in) {
  constexpr size_t kStep = size_t{1} << 14;
  std::string text;
  while (in && text.size() <= kMaxInput) {
    const size_t had = text.size();
    text.resize(had + std::min(kStep, kMaxInput + 1 - had));
    in.read(text.data() + had, static_cast<std::streamsize>(text.size() - had));
    text.resize(had + static_cast<size_t>(in.gcount()));
  }
  return text;
}

}  // namespace pocketgss::tools
