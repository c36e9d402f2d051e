// The tree of elements, the edits of it, and writing it back. Shares no code with asn1.
#include "fuzz/mutate_der.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace pocketgss::fuzz {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxNodes = 4096;

struct Node {
  uint8_t tag = 0;
  bool is_tree = false;         // children, not contents
  std::vector<uint8_t> prefix;  // the initial octet of a BIT STRING whose contents are a tree
  std::vector<uint8_t> contents;
  std::vector<Node> children;
  std::vector<uint8_t> raw_length;  // in place of the right one, where not empty
};

// Parses elements that fill [in, in + size); false where they do not, or are too deep or too many.
bool parse(const uint8_t* in, size_t size, int depth, size_t& budget, std::vector<Node>& out) {
  if (depth > kMaxDepth) return false;
  while (size > 0) {
    if (size < 2 || budget == 0) return false;
    --budget;
    Node node;
    node.tag = in[0];
    size_t header = 2;
    size_t length = in[1];
    if (length >= 0x80) {
      const size_t octets = length & 0x7f;
      if (octets == 0 || octets > 3 || octets > size - 2) return false;
      length = 0;
      for (size_t i = 0; i < octets; ++i) length = length << 8 | in[2 + i];
      header += octets;
    }
    if (length > size - header) return false;
    const uint8_t* const contents = in + header;
    const size_t initial = node.tag == 0x03 && length > 0 && contents[0] == 0 ? 1 : 0;
    const bool may_nest = (node.tag & 0x20) != 0 || node.tag == 0x04 || initial == 1;
    if (may_nest && length > initial) {
      size_t left = budget;
      node.is_tree = parse(contents + initial, length - initial, depth + 1, left, node.children);
      if (node.is_tree) budget = left;
    }
    if (node.is_tree) {
      node.prefix.assign(contents, contents + initial);
    } else {
      node.children.clear();
      node.contents.assign(contents, contents + length);
    }
    out.push_back(std::move(node));
    in += header + length;
    size -= header + length;
  }
  return true;
}

void append_length(std::vector<uint8_t>& out, size_t length) {
  if (length < 0x80) {
    out.push_back(static_cast<uint8_t>(length));
    return;
  }
  std::vector<uint8_t> octets;
  for (; length != 0; length >>= 8) octets.push_back(static_cast<uint8_t>(length));
  out.push_back(static_cast<uint8_t>(0x80 | octets.size()));
  out.insert(out.end(), octets.rbegin(), octets.rend());
}

std::vector<uint8_t> write(const std::vector<Node>& nodes) {
  std::vector<uint8_t> out;
  for (const Node& node : nodes) {
    std::vector<uint8_t> contents = node.contents;
    if (node.is_tree) {
      contents = write(node.children);
      contents.insert(contents.begin(), node.prefix.begin(), node.prefix.end());
    }
    out.push_back(node.tag);
    if (node.raw_length.empty()) {
      append_length(out, contents.size());
    } else {
      out.insert(out.end(), node.raw_length.begin(), node.raw_length.end());
    }
    out.insert(out.end(), contents.begin(), contents.end());
  }
  return out;
}

// Slot is a node by the list that it stands in, so that it can be copied, moved and erased.
struct Slot {
  std::vector<Node>* list;
  size_t index;
  Node& node() const { return (*list)[index]; }
};

void collect(std::vector<Node>& nodes, std::vector<Slot>& out) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    out.push_back({&nodes, i});
    collect(nodes[i].children, out);
  }
}

class Mutation {
 public:
  Mutation(std::vector<Node>& roots, unsigned seed, MutateBytes mutate_bytes)
      : roots_(roots), random_(seed), mutate_bytes_(mutate_bytes) {}

  void apply() {
    std::vector<Slot> slots;
    collect(roots_, slots);
    if (slots.empty()) return;
    const Slot slot = slots[below(slots.size())];
    switch (below(9)) {
      case 0:
        erase(slot);
        break;
      case 1:
        duplicate(slot);
        break;
      case 2:
        swap_with_sibling(slot);
        break;
      case 3:
        copy_from_elsewhere(slot, slots);
        break;
      case 4:
        retag(slot.node());
        break;
      case 5:
        wrap(slot.node());
        break;
      case 6:
        unwrap(slot);
        break;
      default:
        mutate_contents(slot.node());
        break;
    }
  }

  // One time in ten a length is wrong.
  void spoil_a_length() {
    if (below(10) != 0) return;
    std::vector<Slot> slots;
    collect(roots_, slots);
    if (slots.empty()) return;
    static const std::vector<uint8_t> kLengths[] = {{0x80},
                                                    {0x81, 0x01},
                                                    {0x82, 0x00, 0x05},
                                                    {0x7f},
                                                    {0x00},
                                                    {0xff},
                                                    {0x84, 0x7f, 0xff, 0xff, 0xff},
                                                    {0x84, 0xff, 0xff, 0xff, 0xff},
                                                    {0x88, 0x80, 0, 0, 0, 0, 0, 0, 0}};
    slots[below(slots.size())].node().raw_length = kLengths[below(std::size(kLengths))];
  }

 private:
  size_t below(size_t n) { return random_() % n; }

  void erase(Slot slot) {
    slot.list->erase(slot.list->begin() + static_cast<ptrdiff_t>(slot.index));
  }

  void duplicate(Slot slot) {
    Node copy = slot.node();
    slot.list->insert(slot.list->begin() + static_cast<ptrdiff_t>(slot.index), std::move(copy));
  }

  void swap_with_sibling(Slot slot) {
    std::swap(slot.node(), (*slot.list)[below(slot.list->size())]);
  }

  void copy_from_elsewhere(Slot slot, const std::vector<Slot>& slots) {
    Node copy = slots[below(slots.size())].node();
    slot.node() = std::move(copy);
  }

  void retag(Node& node) {
    static constexpr uint8_t kTags[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x1b, 0x30, 0x31,
                                        0x60, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x80, 0x1f, 0x00, 0x24};
    node.tag = below(4) == 0 ? static_cast<uint8_t>(random_()) : kTags[below(std::size(kTags))];
  }

  void wrap(Node& node) {
    Node outer;
    outer.tag = static_cast<uint8_t>(below(2) == 0 ? 0x30 : 0xa0 + below(5));
    outer.is_tree = true;
    outer.children.push_back(std::move(node));
    node = std::move(outer);
  }

  void unwrap(Slot slot) {
    std::vector<Node> children = std::move(slot.node().children);
    erase(slot);
    slot.list->insert(slot.list->begin() + static_cast<ptrdiff_t>(slot.index),
                      std::make_move_iterator(children.begin()),
                      std::make_move_iterator(children.end()));
  }

  void mutate_contents(Node& node) {
    std::vector<uint8_t> bytes = node.is_tree ? write(node.children) : node.contents;
    const size_t size = bytes.size();
    const size_t room = size + 1 + below(64);
    bytes.resize(room);
    bytes.resize(mutate_bytes_(bytes.data(), size, room));
    node.children.clear();
    node.prefix.clear();
    node.is_tree = false;
    node.contents = std::move(bytes);
  }

  std::vector<Node>& roots_;
  std::minstd_rand random_;
  MutateBytes mutate_bytes_;
};

}  // namespace

size_t mutate_der(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                  MutateBytes mutate_bytes) {
  std::vector<Node> roots;
  size_t budget = kMaxNodes;
  if (size == 0 || !parse(data, size, 0, budget, roots)) return mutate_bytes(data, size, max_size);
  Mutation mutation(roots, seed, mutate_bytes);
  mutation.apply();
  mutation.spoil_a_length();
  const std::vector<uint8_t> out = write(roots);
  if (out.empty() || out.size() > max_size) return mutate_bytes(data, size, max_size);
  std::memcpy(data, out.data(), out.size());
  return out.size();
}

}  // namespace pocketgss::fuzz
