// Text and JSON renderings of a decoded token.
#include "tools/decode/render.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/decode/hex.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const Field& field);

ordered_json json_of(const Children& fields) {
  ordered_json object = ordered_json::object();
  for (const Field& field : fields) object[field.name] = json_of(field);
  return object;
}

ordered_json json_value(const Value& value) {
  struct Visitor {
    ordered_json operator()(std::monostate) const { return nullptr; }
    ordered_json operator()(const Bytes& octets) const { return to_hex(octets); }
    ordered_json operator()(const std::string& text) const { return text; }
    ordered_json operator()(uint64_t number) const { return number; }
    ordered_json operator()(int64_t number) const { return number; }
    ordered_json operator()(const Children& fields) const { return json_of(fields); }
    ordered_json operator()(const Items& list) const {
      ordered_json array = ordered_json::array();
      for (const Field& item : list.items) {
        ordered_json element = {{"name", item.name}};
        // Moved, for update() would copy all that is inside at each level.
        ordered_json described = json_of(item);
        for (auto& member : described.items()) element[member.key()] = std::move(member.value());
        array.push_back(std::move(element));
      }
      return array;
    }
  };
  return std::visit(Visitor{}, value);
}

ordered_json json_of(const Field& field) {
  ordered_json object = {
      {"offset", field.offset}, {"length", field.length}, {"value", json_value(field.value)}};
  if (std::holds_alternative<uint64_t>(field.value) &&
      (!field.names.empty() || field.name.find("lags") != std::string::npos ||
       field.name.find("-options") != std::string::npos)) {
    object["names"] = field.names;
  }
  if (!field.meaning.empty()) object["meaning"] = field.meaning;
  if (!field.kind.empty()) {
    object["kind"] = field.kind;
    object["token"] = json_of(field.token);
  }
  return object;
}

// Peers' text may hold anything that UTF-8 can; JSON output is ASCII so that a terminal shows what
// is there.
std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

class TextRenderer {
 public:
  explicit TextRenderer(const TextStyle& style) : style_(style) {}

  void fields(const Children& list, size_t depth) {
    for (const Field& field : list) this->field(field, depth);
  }
  void line(const std::string& text) { out_.append(style_.indent).append(text).append("\n"); }
  std::string take() { return std::move(out_); }

 private:
  void field(const Field& f, size_t depth) {
    char offset[16];
    std::snprintf(offset, sizeof offset, "%5u  ", f.offset);
    std::string text = offset + std::string(2 * depth, ' ') + f.name;
    const std::string shown = value(f);
    if (!shown.empty()) text += ": " + shown;
    if (!f.meaning.empty()) text += " (" + printable(f.meaning) + ")";
    if (!f.kind.empty()) text += " = " + f.kind;
    line(text);
    if (!f.names.empty()) wrapped(f.names, std::string(2 * depth + 9, ' '));
    const auto* inner = std::get_if<Children>(&f.value);
    if (inner != nullptr && f.summary.empty()) fields(*inner, depth + 1);
    if (const auto* list = std::get_if<Items>(&f.value)) fields(list->items, depth + 1);
    fields(f.token, depth + 1);
  }

  // wrapped writes names, as many a line as fit.
  void wrapped(const std::vector<std::string>& names, const std::string& indent) {
    constexpr size_t kWidth = 92;
    std::string text = indent;
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string word = names[i] + (i + 1 < names.size() ? ", " : "");
      if (text.size() > indent.size() && text.size() + word.size() > kWidth) {
        text.pop_back();  // the space behind the comma
        line(text);
        text = indent;
      }
      text += word;
    }
    line(text);
  }

  std::string value(const Field& f) const {
    if (!f.summary.empty()) return printable(f.summary);
    if (const auto* octets = std::get_if<Bytes>(&f.value)) return octets_text(*octets, f);
    if (const auto* text = std::get_if<std::string>(&f.value))
      return std::string(1, '"').append(printable(*text)).append(1, '"');
    if (const auto* number = std::get_if<uint64_t>(&f.value)) return number_text(*number, f);
    if (const auto* number = std::get_if<int64_t>(&f.value)) return std::to_string(*number);
    return "";
  }

  std::string octets_text(const Bytes& octets, const Field& f) const {
    const std::string size =
        std::to_string(octets.size()) + (octets.size() == 1 ? " byte" : " bytes");
    if (!f.kind.empty() || (style_.redact && f.sensitive)) return size;
    if (octets.empty()) return "empty";
    if (style_.max_octets != 0 && octets.size() > style_.max_octets) {
      return to_hex(ByteView(octets).prefix(style_.max_octets)) + "... (" + size + ")";
    }
    return to_hex(octets);
  }

  static std::string number_text(uint64_t number, const Field& f) {
    if (f.names.empty()) return std::to_string(number);
    char text[24];
    std::snprintf(text, sizeof text, "0x%08llx", static_cast<unsigned long long>(number));
    return text;
  }

  const TextStyle& style_;
  std::string out_;
};

}  // namespace

std::string render_text(const DecodedToken& token, const TextStyle& style) {
  TextRenderer out(style);
  out.line(token.kind + ", " + std::to_string(token.length) + " bytes");
  out.fields(token.fields, 0);
  for (const std::string& note : token.notes) out.line("note: " + printable(note));
  return out.take();
}

std::string render_json(const DecodedToken& token) {
  const ordered_json object = {{"ok", true},
                               {"kind", token.kind},
                               {"length", token.length},
                               {"token", json_of(token.fields)},
                               {"notes", token.notes}};
  return dump(object);
}

std::string render_json_error(const Error& error, const std::string& message) {
  const ordered_json object = {{"ok", false},
                               {"error",
                                {{"code", name(error.code)},
                                 {"where", error.where},
                                 {"offset", error.offset},
                                 {"message", message}}}};
  return dump(object);
}

}  // namespace pocketgss::tools
