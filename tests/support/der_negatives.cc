// The element tree of a token, its lengths written out one way or another. Shares no code with
// asn1.
#include "tests/support/der_negatives.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace pocketgss::testing {
namespace {

enum class LengthForm { kShortest, kOneOctetMore, kIndefinite };

struct Node {
  uint8_t tag = 0;
  size_t offset = 0;  // of the tag in the original
  Bytes contents;     // of a primitive element
  std::vector<Node> children;
  LengthForm form = LengthForm::kShortest;
  bool junk = false;  // behind the contents

  bool constructed() const { return (tag & 0x20) != 0; }
};

// The input is valid, so a misfit here is the test's own mistake.
void require(bool condition) {
  if (!condition) std::abort();
}

Node parse(ByteView der, size_t offset, size_t& consumed) {
  require(der.size() >= 2);
  Node node;
  node.tag = der[0];
  node.offset = offset;
  size_t header = 2;
  size_t length = der[1];
  if (length >= 0x80) {
    const size_t octets = length & 0x7f;
    require(octets >= 1 && octets <= 4 && der.size() >= 2 + octets);
    length = 0;
    for (size_t i = 0; i < octets; ++i) length = length << 8 | der[2 + i];
    header += octets;
  }
  require(length <= der.size() - header);
  if (node.constructed()) {
    for (size_t at = 0; at < length;) {
      size_t size = 0;
      node.children.push_back(parse(der.sub(header + at, length - at), offset + header + at, size));
      at += size;
    }
  } else {
    node.contents = der.sub(header, length).to_bytes();
  }
  consumed = header + length;
  return node;
}

void write_length(Bytes& out, size_t length, LengthForm form) {
  Bytes octets;
  for (size_t rest = length; rest != 0; rest >>= 8) {
    octets.insert(octets.begin(), static_cast<uint8_t>(rest));
  }
  if (form == LengthForm::kShortest && length < 0x80) {
    out.push_back(static_cast<uint8_t>(length));
    return;
  }
  const bool was_short = length < 0x80;
  if (octets.empty()) octets.push_back(0);
  if (form == LengthForm::kOneOctetMore && !was_short) octets.insert(octets.begin(), 0);
  out.push_back(static_cast<uint8_t>(0x80 | octets.size()));
  append(out, octets);
}

Bytes write(const Node& node) {
  Bytes contents = node.contents;
  for (const Node& child : node.children) append(contents, write(child));
  if (node.junk) contents.push_back(0x00);
  Bytes out{node.tag};
  if (node.form == LengthForm::kIndefinite) {
    out.push_back(0x80);
    append(out, contents);
    append(out, Bytes{0, 0});
    return out;
  }
  write_length(out, contents.size(), node.form);
  append(out, contents);
  return out;
}

void for_each(Node& node, const std::function<void(Node&)>& use) {
  use(node);
  for (Node& child : node.children) for_each(child, use);
}

class Maker {
 public:
  Maker(ByteView der, const SkipTag& skip_tag) : der_(der), skip_tag_(skip_tag) {
    size_t consumed = 0;
    root_ = parse(der, 0, consumed);
    require(consumed == der.size());
  }

  std::vector<DerNegative> make() {
    prefixes();
    trailing();
    for_each(root_, [this](Node& node) { lengths(node); });
    for_each(root_, [this](Node& node) { tags(node); });
    return std::move(out_);
  }

 private:
  void add(Bytes der, const std::string& what) { out_.push_back({std::move(der), what}); }

  void prefixes() {
    for (size_t n = 0; n < der_.size(); ++n) {
      add(der_.prefix(n).to_bytes(), "first " + std::to_string(n) + " bytes");
    }
  }

  void trailing() {
    for (const size_t n : {size_t{1}, size_t{64}}) {
      Bytes longer = der_.to_bytes();
      longer.insert(longer.end(), n, 0x05);
      add(std::move(longer), std::to_string(n) + " bytes behind the token");
    }
  }

  void lengths(Node& node) {
    const std::string at = " of the element at " + std::to_string(node.offset);
    node.form = LengthForm::kOneOctetMore;
    add(write(root_), "longer length" + at);
    if (node.constructed()) {
      node.form = LengthForm::kIndefinite;
      add(write(root_), "indefinite length" + at);
    }
    node.form = LengthForm::kShortest;
    if (node.constructed()) {
      node.junk = true;
      add(write(root_), "junk behind the contents" + at);
      node.junk = false;
    }
  }

  void tags(Node& node) {
    for (const int change : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1f}) {
      const auto tag = static_cast<uint8_t>(node.tag ^ change);
      if (skip_tag_ && skip_tag_(node.offset, tag)) continue;
      Bytes changed = der_.to_bytes();
      changed[node.offset] = tag;
      add(std::move(changed), "tag " + std::to_string(node.tag) + " at " +
                                  std::to_string(node.offset) + " made " + std::to_string(tag));
    }
  }

  ByteView der_;
  const SkipTag& skip_tag_;
  Node root_;
  std::vector<DerNegative> out_;
};

}  // namespace

std::vector<DerNegative> der_negatives(ByteView der, const SkipTag& skip_tag) {
  return Maker(der, skip_tag).make();
}

void with_exact_copy(ByteView bytes, const std::function<void(ByteView)>& use) {
  const auto block = std::make_unique_for_overwrite<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), block.get());
  use(ByteView(block.get(), bytes.size()));
}

}  // namespace pocketgss::testing
