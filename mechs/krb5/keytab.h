// Key tables: what a service keeps its long-term keys in. Octets in, structs out; no files here.
#ifndef PGSS_MECHS_KRB5_KEYTAB_H_
#define PGSS_MECHS_KRB5_KEYTAB_H_

#include <pocketgss/result.h>
#include <pocketgss/secret.h>

#include <optional>
#include <span>
#include <vector>

#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {

// The format is MIT krb5's, "Keytab file format", which Heimdal and Samba share:
//   [0] 5, [1] version (1: native order of octets; 2: big-endian), then records:
//   record length (32 bits, signed): of an entry; below zero: of a hole; zero: the file ends here
//   entry: count of components (16 bits; with the realm in version 1), realm, components, name type
//     (32 bits, not in version 1), timestamp (32 bits), key version (8 bits), enctype (16 bits), key
//   realm, component and key: length (16 bits) and as many octets
// What follows in the record is a 32-bit key version, where it has room for one, and what is left
// of a hole, or Heimdal's flags.

// KeytabEntry is one key. It borrows.
struct KeytabEntry {
  PrincipalView principal;
  uint32_t timestamp = 0;    // seconds since 1970, when the key was put here
  uint8_t key_version8 = 0;  // the low 8 bits
  int32_t etype = 0;         // 16 bits in the file, with a sign
  ByteView key;              // a secret
  std::optional<uint32_t> key_version32;
  ByteView rest;        // of the record; without meaning to us
  uint32_t offset = 0;  // of the record length in the file

  // kvno is the 32-bit key version where there is one that is not zero: old tools leave zeros there.
  uint32_t kvno() const {
    return key_version32.value_or(0) != 0 ? *key_version32 : uint32_t{key_version8};
  }
  void set_kvno(uint32_t kvno) {
    key_version8 = static_cast<uint8_t>(kvno);
    key_version32 = kvno;
  }
};

// Which key find() shall look for.
struct KeytabQuery {
  PrincipalView principal;  // compared by same_service(), the name type is not looked at
  std::optional<int32_t> etype;
  uint32_t kvno = 0;            // 0: the newest
  bool any_class_case = false;  // the class of a service ("smtp") is compared without case, too
};

// Keytab is a file that has been checked to its end. It borrows, and iterates over the entries in
// their order, without the holes.
class Keytab {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = KeytabEntry;
    using difference_type = std::ptrdiff_t;
    using pointer = const KeytabEntry*;
    using reference = KeytabEntry;

    Iterator() = default;
    KeytabEntry operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class Keytab;
    Iterator(const Keytab& keytab, size_t at) : keytab_(&keytab), at_(at) { skip_holes(); }
    void skip_holes();

    const Keytab* keytab_ = nullptr;
    size_t at_ = 0;
  };

  Iterator begin() const { return Iterator(*this, kHeaderSize); }
  Iterator end() const { return Iterator(*this, records_end_); }
  size_t size() const { return size_; }
  uint8_t version() const { return version_; }
  // octets is the file up to where its records end: what follows a record of length zero is no part
  // of it.
  ByteView octets() const { return file_.prefix(records_end_); }

  // find returns the key that a ticket, or a login, asks for. As MIT krb5 1.14 and later do
  // (krb5_ktfile_get_entry):
  //   - an entry of that very key version; else the first whose key version is its low 8 bits,
  //     because old files and tools kept no more;
  //   - for kvno 0 the newest: the highest key version, but one below 128 is newer than one above
  //     240 that was written no later, for then the 8 bits have wrapped.
  // Where several are equal, the first.
  std::optional<KeytabEntry> find(const KeytabQuery&) const;

 private:
  friend Result<Keytab> parse_keytab(ByteView, std::endian);
  static constexpr size_t kHeaderSize = 2;

  ByteView file_;
  uint8_t version_ = 0;
  std::endian order_ = std::endian::big;
  size_t records_end_ = kHeaderSize;
  size_t size_ = 0;
};

// parse_keytab checks a whole file and allocates nothing; time is linear in the file. `native` is
// the order of octets of the machine that wrote a version 1. A key table with one bad record is
// refused as a whole. Errors: kMalformed with the field ("keytab.version", "keytab.record length",
// "keytab.realm", ...) and its offset.
Result<Keytab> parse_keytab(ByteView file, std::endian native = std::endian::native);
Result<Keytab> parse_keytab(Bytes&&, std::endian = std::endian::native) = delete;

// principals lists each principal once (by same_principal), in the order in which they first appear.
// They borrow from the file. Errors: kNoMemory.
Result<std::vector<PrincipalView>> principals(const Keytab&);

// write_keytab makes a file of version 2. An entry's fields are written as they are, so that one
// that was read comes back the same; MIT krb5 and Heimdal write both key versions (set_kvno).
// Errors: kApiMisuse with the field (no component or more than 32, a name, realm or key of more
// than 65535 octets, an etype of more than 16 bits); kNoMemory.
Result<SecretBytes> write_keytab(std::span<const KeytabEntry> entries);

// append_entry makes the file anew with one entry more at its end: `file` is a key table of either
// version or empty. Version 1 becomes version 2; otherwise every octet up to the end of the records
// stays. Errors: those of parse_keytab and write_keytab.
Result<SecretBytes> append_entry(ByteView file, const KeytabEntry& entry);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KEYTAB_H_
