// Reads the recordings.
#include "tests/tools/support/recorded_krb5.h"

#include <gtest/gtest.h>

#include "mechs/krb5/keytab.h"
#include "mechs/krb5/principal.h"
#include "tests/support/vector_file.h"

namespace pocketgss::testing {
namespace {

using mechs::krb5::KeytabEntry;

SecretBytes keytab_of(const std::string& service, uint64_t kvno, int32_t etype, const Bytes& key) {
  const auto principal = mechs::krb5::parse_principal(service, "").value();
  KeytabEntry entry;
  entry.principal = principal.view();
  entry.etype = etype;
  entry.key = key;
  entry.set_kvno(static_cast<uint32_t>(kvno));
  return mechs::krb5::write_keytab({&entry, 1}).value();
}

RecordedExchange exchange_of(VectorBlock& block) {
  RecordedExchange out;
  out.name = block.text("Name");
  out.etype = static_cast<int32_t>(block.number("Etype"));
  out.keytab =
      keytab_of(block.text("Service"), block.number("Kvno"), out.etype, block.bytes("Key"));
  out.from_initiator = block.bytes_list("FromInitiator");
  out.from_acceptor = block.bytes_list("FromAcceptor");
  out.context_key = block.optional_bytes("ContextKey").value_or(Bytes());
  out.refused = block.must_fail();
  return out;
}

RecordedMessage message_of(VectorBlock& block) {
  RecordedMessage out;
  out.where = block.where();
  out.from_initiator = block.word("From") == "initiator";
  out.kind = block.word("Kind");
  out.plaintext = block.bytes("Plaintext");
  out.token = block.bytes("Token");
  out.refused = block.must_fail();
  out.layer_step = block.has("Layers");
  return out;
}

}  // namespace

std::vector<RecordedExchange> recorded_krb5(const std::string& file) {
  std::vector<RecordedExchange> out;
  for (VectorBlock block : load_vectors("krb5/exchanges_" + file + ".vec")) {
    if (block.instruction() == "Exchange") {
      out.push_back(exchange_of(block));
    } else {
      out.back().messages.push_back(message_of(block));
    }
    block.ignore_unread();
  }
  return out;
}

RecordedExchange recorded_mit(const std::string& name) {
  for (RecordedExchange& exchange : recorded_krb5("mit")) {
    if (exchange.name == name) return std::move(exchange);
  }
  ADD_FAILURE() << "no recording " << name;
  return {};
}

}  // namespace pocketgss::testing
