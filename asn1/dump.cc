// dump: the one place that follows a peer's nesting, and so the one with a depth to bound.
#include "asn1/dump.h"

#include <cinttypes>
#include <cstdio>

#include "asn1/oid.h"
#include "asn1/reader.h"

namespace pocketgss::asn1 {
namespace {

constexpr const char* kUniversalNames[31] = {"END OF CONTENTS",
                                             "BOOLEAN",
                                             "INTEGER",
                                             "BIT STRING",
                                             "OCTET STRING",
                                             "NULL",
                                             "OBJECT IDENTIFIER",
                                             "ObjectDescriptor",
                                             "EXTERNAL",
                                             "REAL",
                                             "ENUMERATED",
                                             "EMBEDDED PDV",
                                             "UTF8String",
                                             "RELATIVE-OID",
                                             "TIME",
                                             "[UNIVERSAL 15]",
                                             "SEQUENCE",
                                             "SET",
                                             "NumericString",
                                             "PrintableString",
                                             "TeletexString",
                                             "VideotexString",
                                             "IA5String",
                                             "UTCTime",
                                             "GeneralizedTime",
                                             "GraphicString",
                                             "VisibleString",
                                             "GeneralString",
                                             "UniversalString",
                                             "CHARACTER STRING",
                                             "BMPString"};

void append_tag(std::string& out, Tag tag) {
  const int number = tag.octet & 0x1f;
  switch (tag.octet >> 6) {
    case 0:
      out += kUniversalNames[number];
      return;
    case 1:
      out += "[APPLICATION ";
      break;
    case 2:
      out += "[";
      break;
    default:
      out += "[PRIVATE ";
      break;
  }
  out += std::to_string(number) + "]";
}

void append_hex(std::string& out, ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

bool is_text_tag(Tag tag) {
  return tag == kUtf8String || tag == kGeneralString || tag == kGeneralizedTime ||
         (tag.octet >= 0x12 && tag.octet <= 0x1b);
}

bool is_printable(ByteView bytes) {
  for (const uint8_t byte : bytes) {
    if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') return false;
  }
  return true;
}

// The value of a primitive element whose type has a text form; false where it has none.
bool append_known_value(std::string& out, const Reader::Element& e) {
  Reader one(e.whole);
  if (e.tag == kInteger || e.tag == kEnumerated) {
    const Result<int32_t> value = one.int32("", e.tag);
    if (value.has_value()) out += std::to_string(value.value());
    return value.has_value();
  }
  if (e.tag == kBoolean) {
    const Result<bool> value = one.boolean("");
    if (value.has_value()) out += value.value() ? "TRUE" : "FALSE";
    return value.has_value();
  }
  if (e.tag == kObjectIdentifier) {
    const Result<Oid> value = one.oid("");
    if (value.has_value()) out += dotted(value.value());
    return value.has_value();
  }
  if (!is_text_tag(e.tag) || !is_printable(e.contents)) return false;
  out += '"';
  out += as_text(e.contents);
  out += '"';
  return true;
}

void append_line_start(std::string& out, uint32_t offset, int depth) {
  char text[16];
  std::snprintf(text, sizeof text, "%5" PRIu32 " ", offset);
  out += text;
  out.append(static_cast<size_t>(2 * depth), ' ');
}

void append_bytes(std::string& out, const char* before, ByteView bytes) {
  out += before + std::to_string(bytes.size()) + " bytes ";
  append_hex(out, bytes);
  out += '\n';
}

// Returns false where the bytes are no DER; then a line says so.
bool dump_elements(std::string& out, Reader reader, int depth) {
  while (!reader.at_end()) {
    append_line_start(out, reader.offset(), depth);
    const ByteView rest = reader.rest();
    const Result<Reader::Element> element = reader.any("");
    if (!element.has_value()) {
      append_bytes(out, "! not DER: ", rest);
      return false;
    }
    const Reader::Element& e = element.value();
    append_tag(out, e.tag);
    out += ' ';
    if (e.tag.constructed() && depth + 1 < kMaxDumpDepth) {
      out += std::to_string(e.contents.size()) + '\n';
      if (!dump_elements(out, Reader(e.contents, e.contents_offset), depth + 1)) return false;
    } else if (!e.tag.constructed() && append_known_value(out, e)) {
      out += '\n';
    } else {
      append_bytes(out, "", e.contents);
    }
  }
  return true;
}

}  // namespace

std::string dump(ByteView der) {
  std::string out;
  dump_elements(out, Reader(der), 0);
  return out;
}

}  // namespace pocketgss::asn1
