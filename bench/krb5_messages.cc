// Kerberos messages: decode and encode, without an allocation and linear in the input.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "bench/alloc_counter.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/padata.h"
#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr std::array<KerberosString, 2> kService = {"smtp", "mail.example.test"};
constexpr std::array<KerberosString, 1> kUser = {"user"};

PrincipalName name(int32_t type, std::span<const KerberosString> parts) {
  return PrincipalName{type, SequenceOf<KerberosString>(parts)};
}

// A ticket whose encrypted part has `size` bytes: some 450 without a PAC, 1.5 to 60 KiB with one.
Ticket ticket(ByteView cipher) {
  return Ticket{"EXAMPLE.TEST", name(2, kService), EncryptedData{18, UInt32(3), cipher}, {}};
}

Bytes ap_req(size_t size) {
  const Bytes cipher(size, 0x33), authenticator(216, 0x44);
  return encode(ApReq{KerberosFlags{flag_bit(2)}, ticket(cipher),
                      EncryptedData{18, std::nullopt, authenticator}})
      .value();
}

Bytes as_rep(size_t size) {
  const Bytes cipher(size, 0x33), part(300, 0x44);
  const std::array<EtypeInfo2Entry, 1> info = {EtypeInfo2Entry{18, "EXAMPLE.TESTuser", {}}};
  const Bytes info_der = encode(EtypeInfo2(std::span<const EtypeInfo2Entry>(info))).value();
  const std::array<PaData, 1> padata = {PaData{19, info_der}};
  return encode(KdcRep{MessageType::kAsRep, MethodData(std::span<const PaData>(padata)),
                       "EXAMPLE.TEST", name(1, kUser), ticket(cipher),
                       EncryptedData{18, std::nullopt, part}})
      .value();
}

Bytes ap_rep() {
  const Bytes part(116, 0x44);
  return encode(ApRep{EncryptedData{18, std::nullopt, part}}).value();
}

template <typename Parse>
void decode_loop(benchmark::State& state, const Bytes& message, const Parse& parse) {
  const bench::AllocCounter allocations;
  for (auto _ : state) {
    auto parsed = parse(ByteView(message));
    benchmark::DoNotOptimize(parsed);
    if (!parsed.has_value()) state.SkipWithError("refused");
  }
  allocations.report(state);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(message.size()));
}

void BM_Krb5ApReqDecode(benchmark::State& state) {
  decode_loop(state, ap_req(static_cast<size_t>(state.range(0))), parse_ap_req);
}
BENCHMARK(BM_Krb5ApReqDecode)->Arg(450)->Arg(1500)->Arg(48000);

void BM_Krb5ApRepDecode(benchmark::State& state) {
  decode_loop(state, ap_rep(), parse_ap_rep);
}
BENCHMARK(BM_Krb5ApRepDecode);

void BM_Krb5AsRepDecode(benchmark::State& state) {
  decode_loop(state, as_rep(static_cast<size_t>(state.range(0))), parse_as_rep);
}
BENCHMARK(BM_Krb5AsRepDecode)->Arg(450)->Arg(1500)->Arg(48000);

void BM_Krb5TgsRepDecode(benchmark::State& state) {
  const Bytes cipher(static_cast<size_t>(state.range(0)), 0x33), part(300, 0x44);
  const KdcRep rep{MessageType::kTgsRep, std::nullopt,   "EXAMPLE.TEST",
                   name(1, kUser),       ticket(cipher), EncryptedData{18, std::nullopt, part}};
  decode_loop(state, encode(rep).value(), parse_tgs_rep);
}
BENCHMARK(BM_Krb5TgsRepDecode)->Arg(450)->Arg(1500)->Arg(48000);

void BM_Krb5EncKdcRepPartDecode(benchmark::State& state) {
  const Bytes key(32, 0x11);
  const std::vector<LastReqEntry> last(static_cast<size_t>(state.range(0)),
                                       LastReqEntry{0, KerberosTime{1'700'000'000}});
  EncKdcRepPart part;
  part.of = MessageType::kTgsRep;
  part.key = {18, key};
  part.last_req = LastReq(std::span<const LastReqEntry>(last));
  part.authtime = part.endtime = KerberosTime{1'700'000'000};
  part.srealm = "EXAMPLE.TEST";
  part.sname = name(2, kService);
  Bytes der(2048);
  der.resize(encode_to(part, der).value());
  decode_loop(state, der, parse_enc_kdc_rep_part);
}
BENCHMARK(BM_Krb5EncKdcRepPartDecode)->Arg(1)->Arg(8)->Arg(32);

void BM_Krb5ErrorDecode(benchmark::State& state) {
  const Bytes e_data(static_cast<size_t>(state.range(0)), 0x22);
  KrbError error;
  error.stime = {1'700'000'000};
  error.error_code = 25;
  error.realm = "EXAMPLE.TEST";
  error.sname = name(2, kService);
  error.e_data = e_data;
  decode_loop(state, encode(error).value(), parse_krb_error);
}
BENCHMARK(BM_Krb5ErrorDecode)->Arg(200)->Arg(48000);

// A key table is read once, and looked through once a login: for the last of its entries here.
void BM_Krb5KeytabFind(benchmark::State& state) {
  std::vector<std::string> hosts(static_cast<size_t>(state.range(0)));
  std::vector<Principal> principals;
  for (size_t i = 0; i < hosts.size(); ++i) {
    principals.emplace_back(name_type::kSrvHst, "EXAMPLE.TEST");
    principals.back().add("smtp").add("host" + std::to_string(1'000'000 + i));
  }
  const Bytes key(32, 0x11);
  std::vector<KeytabEntry> entries;
  for (const Principal& principal : principals) {
    KeytabEntry entry;
    entry.principal = principal.view();
    entry.etype = 18;
    entry.key = key;
    entry.set_kvno(2);
    entries.push_back(entry);
  }
  const SecretBytes file = write_keytab(entries).value();
  const KeytabQuery query{principals.back().view(), 18, 2, false};
  const bench::AllocCounter allocations;
  for (auto _ : state) {
    const auto keytab = parse_keytab(file.view());
    if (!keytab.has_value() || !keytab.value().find(query)) return state.SkipWithError("no key");
  }
  allocations.report(state);
}
BENCHMARK(BM_Krb5KeytabFind)->Arg(16)->Arg(256);

// Elements of a list, each read again as it is iterated over.
void BM_Krb5MethodDataDecode(benchmark::State& state) {
  const Bytes value(24, 0x11);
  const std::vector<PaData> entries(static_cast<size_t>(state.range(0)), PaData{19, value});
  const Bytes message = encode(MethodData(std::span<const PaData>(entries))).value();
  decode_loop(state, message, [](ByteView der) -> Result<size_t> {
    PGSS_TRY(const MethodData data, parse_method_data(der));
    size_t total = 0;
    for (const PaData& entry : data) total += entry.padata_value.size();
    return total;
  });
}
BENCHMARK(BM_Krb5MethodDataDecode)->Arg(8)->Arg(16)->Arg(32);

void BM_Krb5ApReqEncode(benchmark::State& state) {
  const Bytes cipher(static_cast<size_t>(state.range(0)), 0x33), authenticator(216, 0x44);
  const Bytes der = encode(ticket(cipher)).value();
  Ticket passed_on;
  passed_on.der = der;
  const ApReq req{KerberosFlags{flag_bit(2)}, passed_on,
                  EncryptedData{18, std::nullopt, authenticator}};
  const bench::AllocCounter allocations;
  for (auto _ : state) benchmark::DoNotOptimize(encode(req));
  allocations.report(state);
}
BENCHMARK(BM_Krb5ApReqEncode)->Arg(450)->Arg(1500);

}  // namespace
}  // namespace pocketgss::mechs::krb5
