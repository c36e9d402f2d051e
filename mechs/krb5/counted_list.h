// Lists as key tables and credential caches hold them: elements with a length before each.
#ifndef PGSS_MECHS_KRB5_COUNTED_LIST_H_
#define PGSS_MECHS_KRB5_COUNTED_LIST_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include <pocketgss/bytes.h>

namespace pocketgss::mechs::krb5 {

// Layout is how a file counts: the octets of a length, and the order of octets.
struct Layout {
  uint8_t length_size = 4;  // 2 in a key table, 4 in a credential cache
  std::endian order = std::endian::big;

  bool operator==(const Layout&) const = default;
};

// load reads an unsigned number of `size` octets that are known to be there.
constexpr uint32_t load(const uint8_t* in, size_t size, std::endian order) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i)
    value = value << 8 | in[order == std::endian::big ? i : size - 1 - i];
  return value;
}

// TypedOctets is an address or an element of authorization data of a credential cache.
struct TypedOctets {
  int32_t type = 0;  // 16 bits in the file, with a sign
  ByteView value;

  bool operator==(const TypedOctets&) const = default;
};

// CountedList borrows elements in the octets of a file that have been checked, or, to be written or
// to be looked for, an array. It is iterated over either way, and allocates nothing.
template <typename T>
class CountedList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = T;

    Iterator() = default;
    T operator*() const { return item_ != nullptr ? *item_ : element(); }
    Iterator& operator++() {
      if (item_ != nullptr) {
        ++item_;
      } else {
        at_ += kTypeSize + layout_.length_size + length();
      }
      --left_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    friend class CountedList;
    Iterator(const T* item, const uint8_t* at, Layout layout, uint32_t left)
        : item_(item), at_(at), layout_(layout), left_(left) {}

    size_t length() const { return load(at_ + kTypeSize, layout_.length_size, layout_.order); }
    T element() const {
      const ByteView value(at_ + kTypeSize + layout_.length_size, length());
      if constexpr (kTypeSize == 0) {
        return as_text(value);
      } else {
        return {static_cast<int16_t>(load(at_, kTypeSize, layout_.order)), value};
      }
    }

    const T* item_ = nullptr;  // the next of an array, or
    const uint8_t* at_ = nullptr;
    Layout layout_;
    uint32_t left_ = 0;
  };

  CountedList() = default;
  // Borrows `items`.
  explicit CountedList(std::span<const T> items)
      : items_(items.data()), size_(static_cast<uint32_t>(items.size())) {}
  // `octets` has been checked to begin with `size` elements.
  static CountedList checked(const uint8_t* octets, uint32_t size, Layout layout) {
    CountedList out;
    out.octets_ = octets;
    out.size_ = size;
    out.layout_ = layout;
    return out;
  }

  Iterator begin() const { return Iterator(items_, octets_, layout_, size_); }
  Iterator end() const { return Iterator(); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Only where not empty.
  T front() const { return *begin(); }
  bool operator==(const CountedList& other) const {
    return size_ == other.size_ && std::equal(begin(), end(), other.begin());
  }

 private:
  static constexpr size_t kTypeSize = std::is_same_v<T, TypedOctets> ? 2 : 0;

  const T* items_ = nullptr;
  const uint8_t* octets_ = nullptr;
  uint32_t size_ = 0;
  Layout layout_;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_COUNTED_LIST_H_
