// Security layers: the buffers, and what client and server agree on.
#include <gtest/gtest.h>

#include <pocketgss/sasl.h>

#include "sasl/layer.h"
#include "tests/fakes/fake_context.h"
#include "tests/fakes/kerberos_login.h"
#include "tests/support/allocations.h"
#include "tests/support/fixed_random.h"

namespace pocketgss {
namespace {

using testing::CountingRandom;
using testing::FakeContexts;
using testing::FakeScript;
using testing::text_bytes;

constexpr SecurityLayer kBoth = kIntegrityLayer | kConfidentialityLayer;

// wrapped is FakeContext's wrap: four octets more.
std::string wrapped(std::string_view message) {
  std::string out = "WRAP";
  for (const char c : message) out.push_back(static_cast<char>(~c));
  return out;
}
std::string buffer(std::string_view message) {
  const std::string token = wrapped(message);
  const std::string length = {0, 0, static_cast<char>(token.size() >> 8),
                              static_cast<char>(token.size())};
  return length + token;
}

// FakeLayer is a layer over a FakeContext.
struct FakeLayer {
  explicit FakeLayer(uint32_t max_send = 0, uint32_t max_receive = 100, bool encrypts = true,
                     SecurityLayer kind = kConfidentialityLayer) {
    FakeScript script;
    script.encrypts = encrypts;
    contexts.scripts.push_back(script.ends());
    auto context = contexts.make({}).value();
    EXPECT_TRUE(context->step({}).has_value());
    layer = std::make_unique<SaslLayer>(std::move(context), kind, max_send, max_receive);
  }
  std::string wrap(std::string_view message) {
    Bytes out;
    EXPECT_TRUE(layer->wrap(as_bytes(message), out).has_value());
    return std::string(as_text(out));
  }
  // unwrap gives all of `input`, `piece` octets at a time: the contents joined by "|", or the
  // error.
  std::string unwrap(std::string_view input, size_t piece = 0) {
    std::string out;
    while (!input.empty()) {
      const std::string_view part = input.substr(0, piece == 0 ? input.size() : piece);
      ByteView rest = as_bytes(part);
      while (!rest.empty()) {
        const Result<bool> whole = layer->unwrap(rest);
        if (!whole.has_value()) return out + "error: " + whole.error().where;
        if (whole.value()) out += std::string(as_text(layer->content())) + "|";
      }
      input.remove_prefix(part.size());
    }
    return out;
  }

  FakeContexts contexts;
  std::unique_ptr<SaslLayer> layer;
};

TEST(SaslLayer, SSEAN_W1_ABufferIsALengthAndAToken) {
  FakeLayer fake;
  EXPECT_EQ(fake.wrap("EHLO x\r\n"), std::string("\0\0\0\x0c", 4) + wrapped("EHLO x\r\n"));
  EXPECT_EQ(fake.wrap(""), "");
}

TEST(SaslLayer, SSEAN_W1_KeepsWithinThePeersMaximumSize) {
  FakeLayer fake(7);  // three octets and the wrapping
  EXPECT_EQ(fake.wrap("abcdefgh"), buffer("abc") + buffer("def") + buffer("gh"));
}

TEST(SaslLayer, SSEAN_W1_SendsNoBufferAbove16KiB) {
  for (const uint32_t max_send : {0u, 0xffffffu}) {
    FakeLayer fake(max_send);
    const std::string out = fake.wrap(std::string(20'000, 'x'));
    EXPECT_EQ(out, buffer(std::string(16'380, 'x')) + buffer(std::string(20'000 - 16'380, 'x')));
  }
}

TEST(SaslLayer, SSEAN_W1_RefusesToSendWhereThePeersMaximumSizeHoldsNothing) {
  FakeLayer fake(4);
  Bytes out;
  EXPECT_EQ(fake.layer->wrap(as_bytes("x"), out).error().code, Errc::kPeerIncompatible);
}

TEST(SaslLayer, SSEAN_W1_ReadsBuffersHoweverTheyAreCut) {
  const std::string wire = buffer("one") + buffer("") + buffer("three\r\n");
  for (size_t cut = 1; cut < wire.size(); ++cut) {
    FakeLayer fake;
    const std::string first = fake.unwrap(wire.substr(0, cut));
    EXPECT_EQ(first + fake.unwrap(wire.substr(cut)), "one||three\r\n|") << cut;
  }
  for (const size_t piece : {0u, 1u, 2u, 5u}) {
    EXPECT_EQ(FakeLayer().unwrap(wire, piece), "one||three\r\n|") << piece;
  }
}

TEST(SaslLayer, SSEAN_W1_RefusesABufferAboveTheMaximumAtItsLength) {
  FakeLayer fits(0, 104);
  EXPECT_EQ(fits.unwrap(buffer(std::string(100, 'x'))), std::string(100, 'x') + "|");
  for (const std::string_view length :
       {std::string_view("\0\0\0\x69", 4), std::string_view("\x80\0\0\0", 4),
        std::string_view("\xff\xff\xff\xff", 4)}) {
    FakeLayer fake(0, 104);
    EXPECT_EQ(fake.unwrap(length), "error: security layer buffer: size");
  }
}

TEST(SaslLayer, SSEAN_W1_EndsWithTheFirstBufferThatIsWrong) {
  FakeLayer fake;
  const std::string wrong = buffer("one") + std::string("\0\0\0\4wrap", 8) + buffer("three");
  EXPECT_EQ(fake.unwrap(wrong), "one|error: FakeContext: unwrap");
  EXPECT_EQ(fake.unwrap(buffer("four")), "error: FakeContext: unwrap");
  EXPECT_TRUE(fake.layer->content().empty());
  EXPECT_EQ(fake.wrap("x"), buffer("x"));  // what was to be said before can still be said
}

TEST(SaslLayer, SSEAN_W1_RefusesABufferInClearUnderConfidentiality) {
  FakeLayer confidential(0, 100, false);
  EXPECT_EQ(confidential.unwrap(buffer("x")), "error: security layer buffer: not encrypted");
  FakeLayer integrity(0, 100, false, kIntegrityLayer);
  EXPECT_EQ(integrity.unwrap(buffer("x")), "x|");
}

TEST(SaslLayer, SSEAN_W1_KeepsNoMoreThanArrived) {
  FakeLayer fake(0, 0xffffff);
  Bytes wire = as_bytes(std::string_view("\0\xff\xff\xff", 4)).to_bytes();
  wire.resize(1'000);
  ByteView rest = wire;
  const testing::AllocationWatch watch;
  ASSERT_TRUE(fake.layer->unwrap(rest).has_value());
  EXPECT_LE(watch.largest(), 2'000u);
}

// What an idle connection keeps of a buffer that came whole, or in pieces.
TEST(SaslLayer, GivesBackALargeBufferOnceItIsRead) {
  const std::string wire = buffer(std::string(60'000, 'x'));
  const std::vector<Bytes> content = {Bytes(5'000, 'x')};
  for (const size_t cut : {size_t{0}, wire.size() / 2}) {
    FakeLayer fake(0, 0xffff);
    sasl::LayeredStream stream;
    Bytes output;
    stream.start(std::move(fake.layer), output);
    ByteView first = as_bytes(std::string_view(wire).substr(0, cut));
    ASSERT_TRUE(stream.next(first).has_value());
    ByteView rest = as_bytes(std::string_view(wire).substr(cut));
    ByteView* const read = stream.next(rest).value();
    ASSERT_EQ(read->size(), 60'000u);
    *read = read->from(read->size());
    const testing::FreedSecrets freed(content);
    EXPECT_TRUE(stream.next(rest).value()->empty());
    EXPECT_EQ(freed.found(), 1u);
  }
}

TEST(SaslLayer, MEM_3_EndsWithNoMemoryWhereAnAllocationFails) {
  const std::string message(500, 'x');
  const std::string wire = buffer(message);
  for (size_t n = 1;; ++n) {
    FakeLayer fake(0, 1'000);
    Bytes out;
    ByteView first = as_bytes(std::string_view(wire).substr(0, 100));
    ByteView second = as_bytes(std::string_view(wire).substr(100));
    const testing::FailingAllocations failing(n);
    const Result<void> wrapped_result = fake.layer->wrap(as_bytes(message), out);
    const Result<bool> begun = fake.layer->unwrap(first);
    const Result<bool> ended = fake.layer->unwrap(second);
    if (!failing.reached()) {
      EXPECT_TRUE(wrapped_result.has_value() && ended.has_value() && ended.value());
      EXPECT_GT(n, 2u);
      return;
    }
    ASSERT_FALSE(wrapped_result.has_value() && begun.has_value() && ended.has_value()) << n;
    if (!wrapped_result.has_value()) {
      EXPECT_EQ(wrapped_result.error().code, Errc::kNoMemory);
    }
    if (!ended.has_value()) {
      EXPECT_EQ(ended.error().code, Errc::kNoMemory);
    }
  }
}

// --- what is agreed on, with SPNEGO and NTLM inside ---

struct Outcome {
  std::optional<Error> client_error, server_error;
  std::optional<SaslReport> client, server;
  std::unique_ptr<SaslLayer> client_layer, server_layer;
};

class Login {
 public:
  Login() : Login(InnerMechanism::kNtlm) {}
  explicit Login(InnerMechanism inner) {
    if (inner == InnerMechanism::kKerberos) {
      initiator_ = kerberos_.initiator();
      acceptor_ = kerberos_.acceptor();
      return;
    }
    initiator_.target = "smtp/mail.example.test";
    initiator_.policy.inner = {InnerMechanism::kNtlm};
    initiator_.credential = Credential::from_password(runtime_, AccountName::parse("alice").value(),
                                                      SecretBytes(std::string_view("Password1")))
                                .value();
    acceptor_.ntlm = true;
    acceptor_.host = "mail.example.test";
  }

  Outcome run(SaslMechanism mechanism, const SaslClientOptions& client_options,
              const SaslServerOptions& server_options) {
    clients_.emplace(runtime_, initiator_);
    servers_.emplace(runtime_, acceptor_);
    Outcome out;
    auto client = make_sasl_client(mechanism, *clients_, {}, client_options);
    auto server = make_sasl_server(mechanism, *servers_, {}, server_options);
    if (!client.has_value()) {
      out.client_error = client.error();
      return out;
    }
    Bytes challenge;
    while (!out.server) {
      const auto step = client.value()->step(challenge);
      if (!step.has_value()) {
        out.client_error = step.error();
        return out;
      }
      auto answer = server.value()->step(std::get<SaslClient::Response>(step.value()).token);
      if (answer.has_value() && std::holds_alternative<NeedAccount>(answer.value())) {
        answer = server.value()->resume(
            {Account{"alice", nt_hash_of_password(runtime_, as_bytes("Password1")).value()}});
      }
      if (!answer.has_value()) {
        out.server_error = answer.error();
        return out;
      }
      if (auto* success = std::get_if<SaslServer::Success>(&answer.value())) {
        out.server = success->report;
      } else {
        challenge = std::get<SaslServer::Challenge>(answer.value()).token;
      }
    }
    out.server_layer = server.value()->take_layer();
    const auto report = client.value()->success();
    if (report.has_value()) {
      out.client = report.value();
      out.client_layer = client.value()->take_layer();
    } else {
      out.client_error = report.error();
    }
    return out;
  }

  Outcome run(SaslMechanism mechanism, SecurityLayer client, SecurityLayer server,
              LayerStep step = LayerStep::kKerberos) {
    return run(mechanism, {.layer = {client, 5'000}},
               {.layer_step = step, .layer = {server, 6'000}});
  }

 private:
  CountingRandom random_;
  Runtime runtime_ = Runtime::create(system_clock(), random_).value();
  testing::KerberosLogin kerberos_;
  InitiatorConfig initiator_;
  AcceptorConfig acceptor_;
  std::optional<InitiatorContexts> clients_;
  std::optional<AcceptorContexts> servers_;
};

SecurityLayer set_of(int bits) {
  return static_cast<SecurityLayer>(bits);
}
SecurityLayer best(int bits) {
  return set_of(bits >= 4 ? 4 : bits >= 2 ? 2 : bits);
}

// pass sends one message each way through the layers.
void expect_messages_pass(SaslLayer& from, SaslLayer& to, std::string_view message, bool clear) {
  Bytes wire;
  ASSERT_TRUE(from.wrap(as_bytes(message), wire).has_value());
  EXPECT_EQ(as_text(wire).find(message) != std::string_view::npos, clear);
  ByteView rest = wire;
  const Result<bool> whole = to.unwrap(rest);
  ASSERT_TRUE(whole.has_value()) << describe(whole.error());
  EXPECT_TRUE(whole.value() && rest.empty());
  EXPECT_EQ(as_text(to.content()), message);
}

void expect_layer(const Outcome& out, SecurityLayer layer, const std::string& what) {
  ASSERT_TRUE(out.client && out.server) << what;
  EXPECT_EQ(out.client->layer, layer) << what;
  EXPECT_EQ(out.server->layer, layer) << what;
  ASSERT_EQ(out.client_layer != nullptr, layer != kNoLayer) << what;
  ASSERT_EQ(out.server_layer != nullptr, layer != kNoLayer) << what;
  if (layer == kNoLayer) return;
  EXPECT_EQ(out.client->max_receive, 5'000u);
  EXPECT_EQ(out.server->max_receive, 6'000u);
  // NTLM encrypts whatever it protects (quirk A6).
  const bool clear =
      layer == kIntegrityLayer && std::string_view(out.client->context.mechanism) == "Kerberos";
  for (const char* message : {"EHLO client.example.test\r\n", "second"}) {
    expect_messages_pass(*out.client_layer, *out.server_layer, message, clear);
    expect_messages_pass(*out.server_layer, *out.client_layer, message, clear);
  }
}

TEST(SaslLayerPair, SSEAN_W1_P25_GssapiTakesTheStrongestThatBothSidesNameAndNoOther) {
  Login login;
  for (int client = 1; client < 8; ++client) {
    for (int server = 1; server < 8; ++server) {
      for (const LayerStep step : {LayerStep::kNever, LayerStep::kKerberos, LayerStep::kAlways}) {
        const std::string what = std::to_string(client) + " and " + std::to_string(server);
        const Outcome out = login.run(SaslMechanism::kGssapi, set_of(client), set_of(server), step);
        if ((client & server) == 0) {
          EXPECT_TRUE(out.client_error || out.server_error) << what;
          EXPECT_FALSE(out.client) << what;
          continue;
        }
        ASSERT_NO_FATAL_FAILURE(expect_layer(out, best(client & server), what));
        EXPECT_EQ(out.client->layer_step, step == LayerStep::kAlways || server != kNoLayer) << what;
        EXPECT_EQ(out.client->max_send, out.client_layer ? 6'000u : 0u);
        EXPECT_EQ(out.server->max_send, out.client_layer ? 5'000u : 0u);
      }
    }
  }
}

TEST(SaslLayerPair, SSEAN_W1_SMT_9_ARequiredLayerIsRefusedWhereTheServerOffersNone) {
  Login login;
  const Outcome no_step = login.run(SaslMechanism::kGssapi, kIntegrityLayer, kNoLayer);
  ASSERT_TRUE(no_step.client_error.has_value());
  EXPECT_EQ(no_step.client_error->code, Errc::kPolicy);
  EXPECT_STREQ(no_step.client_error->where,
               "P25: security layer required, and the server gives none");
  const Outcome step =
      login.run(SaslMechanism::kGssapi, kIntegrityLayer, kNoLayer, LayerStep::kAlways);
  ASSERT_TRUE(step.client_error.has_value());
  EXPECT_STREQ(step.client_error->where,
               "security layer offer: none of the layers that are required");
}

TEST(SaslLayerPair, SSEAN_W1_SMT_9_AServerThatRequiresALayerIsRefusedWhereTheCallerNamesNone) {
  Login login;
  const Outcome out = login.run(SaslMechanism::kGssapi, kNoLayer, kBoth);
  ASSERT_TRUE(out.client_error.has_value());
  EXPECT_STREQ(out.client_error->where, "security layer offer: \"no layer\" is not in it");
}

// Quirk A22: confidentiality where the flags have it, else integrity, as NTLM's flags have it
// always. Each side ends by itself: nothing is said of it on the wire.
TEST(SaslLayerPair, SSEAN_W1_P25_QuirkA22_GssSpnegoFollowsTheContextsFlags) {
  Login login;
  for (int client = 1; client < 8; ++client) {
    for (int server = 1; server < 8; ++server) {
      const std::string what = std::to_string(client) + " and " + std::to_string(server);
      const int by_flags = (client & 4) != 0 ? 4 : 2;
      const Outcome out = login.run(SaslMechanism::kGssSpnego, set_of(client), set_of(server));
      if (server != kNoLayer && (server & by_flags) == 0) {
        ASSERT_TRUE(out.server_error.has_value()) << what;
        EXPECT_EQ(out.server_error->code, Errc::kPolicy);
        continue;
      }
      ASSERT_TRUE(out.server.has_value()) << what;
      EXPECT_EQ(out.server->layer, server == kNoLayer ? kNoLayer : set_of(by_flags)) << what;
      if (client != kNoLayer && (client & by_flags) == 0) {
        ASSERT_TRUE(out.client_error.has_value()) << what;
        continue;
      }
      ASSERT_TRUE(out.client.has_value()) << what;
      EXPECT_EQ(out.client->layer, client == kNoLayer ? kNoLayer : set_of(by_flags)) << what;
      EXPECT_FALSE(out.client->layer_step);
      EXPECT_EQ(out.client->max_send, 0u);
      if (client != kNoLayer && server != kNoLayer) expect_layer(out, set_of(by_flags), what);
    }
  }
}

// Kerberos has both whatever is asked for; the flags say no more than what was.
TEST(SaslLayerPair, SSEAN_W1_P25_QuirkA22_KerberosUnderGssSpnegoAsksForTheLayerThatIsWanted) {
  for (const SecurityLayer layer : {kNoLayer, kIntegrityLayer, kConfidentialityLayer}) {
    Login login(InnerMechanism::kKerberos);
    const Outcome out = login.run(SaslMechanism::kGssSpnego, layer, layer);
    ASSERT_NO_FATAL_FAILURE(expect_layer(out, layer, "Kerberos"));
    EXPECT_EQ(has(out.server->context.flags, kConfFlag), layer == kConfidentialityLayer);
    EXPECT_EQ(has(out.server->context.flags, kIntegFlag), layer != kNoLayer);
  }
}

// A peer that protects what it sends must not be taken for one that does not.
TEST(SaslLayerPair, SSEAN_W1_P25_QuirkA22_FlagsWithoutSequencesAreRefusedWhereALayerMayBe) {
  for (const ContextFlags flags : {kIntegFlag, kIntegFlag | kConfFlag, kNoContextFlags}) {
    for (const SecurityLayer server : {kNoLayer, kNoLayer | kIntegrityLayer, set_of(7)}) {
      testing::FakeScript script;
      script.ends("token");
      script.info.flags = flags;
      FakeContexts contexts;
      contexts.scripts.push_back(script);
      auto made =
          make_sasl_server(SaslMechanism::kGssSpnego, contexts, {}, {.layer = {server, 6'000}});
      const auto answer = made.value()->step(as_bytes("token"));
      const bool taken = server == kNoLayer || flags == kNoContextFlags;
      EXPECT_EQ(answer.has_value(), taken)
          << static_cast<int>(flags) << " " << static_cast<int>(server);
    }
  }
}

TEST(SaslLayerPair, SSEAN_W1_P25_KerberosUnderGssapiTakesTheStrongestThatBothSidesName) {
  for (const SecurityLayer layer : {kNoLayer, kIntegrityLayer, kConfidentialityLayer}) {
    Login login(InnerMechanism::kKerberos);
    const Outcome out = login.run(SaslMechanism::kGssapi, layer, set_of(7));
    ASSERT_NO_FATAL_FAILURE(expect_layer(out, layer, "Kerberos"));
  }
}

TEST(SaslLayerPair, SSEAN_W1_QuirkA22_TheStepUnderGssSpnegoAgreesOnALayerToo) {
  Login login;
  for (const SecurityLayer layer : {kIntegrityLayer, kConfidentialityLayer}) {
    const Outcome out = login.run(SaslMechanism::kGssSpnego, layer, layer, LayerStep::kAlways);
    ASSERT_NO_FATAL_FAILURE(expect_layer(out, layer, "step"));
    EXPECT_TRUE(out.client->layer_step);
  }
}

TEST(SaslLayerPair, SSEAN_W1_P25_NtlmHasNoLayer) {
  Login login;
  for (int client = 1; client < 8; ++client) {
    for (int server = 1; server < 8; ++server) {
      const Outcome out = login.run(SaslMechanism::kNtlm, set_of(client), set_of(server));
      if ((client & server & kNoLayer) != 0) {
        ASSERT_NO_FATAL_FAILURE(expect_layer(out, kNoLayer, "NTLM"));
        continue;
      }
      const Error error = out.client_error ? *out.client_error : out.server_error.value_or(Error{});
      EXPECT_EQ(error.code, Errc::kPolicy);
      EXPECT_STREQ(error.where, "P25: security layer required, and this mechanism has none");
    }
  }
}

TEST(SaslLayerPair, SSEAN_W1_SSEAN_W2_NoEarlySuccessWhereALayerIsNamed) {
  Login login;
  for (const SaslMechanism mechanism : {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego}) {
    const Outcome out = login.run(mechanism, {.layer = {kBoth, 5'000}},
                                  {.early_success = true, .layer = {kBoth, 6'000}});
    ASSERT_NO_FATAL_FAILURE(expect_layer(out, kConfidentialityLayer, "early"));
    EXPECT_FALSE(out.client->early_success);
  }
  // A server of GSS-SPNEGO that gives it all the same: its buffers would be out of sequence.
  const Outcome out =
      login.run(SaslMechanism::kGssSpnego, {.layer = {kBoth, 5'000}}, {.early_success = true});
  ASSERT_TRUE(out.client_error.has_value());
  EXPECT_EQ(out.client_error->code, Errc::kPolicy);
}

TEST(SaslLayerPair, SSEAN_W1_RefusesOptionsOutOfRange) {
  Login login;
  for (const LayerOptions& wrong :
       {LayerOptions{set_of(0), 100}, LayerOptions{set_of(8), 100}, LayerOptions{set_of(9), 100},
        LayerOptions{kBoth, 0}, LayerOptions{kBoth, 0x1000000}}) {
    FakeContexts contexts;
    EXPECT_EQ(make_sasl_client(SaslMechanism::kGssapi, contexts, {}, {.layer = wrong}).error().code,
              Errc::kApiMisuse);
    EXPECT_EQ(make_sasl_server(SaslMechanism::kGssapi, contexts, {}, {.layer = wrong}).error().code,
              Errc::kApiMisuse);
  }
}

// --- what an attacker does ---

TEST(SaslLayerPair, SSEAN_W1_EveryBitOfABufferThatIsTurnedOverIsSeen) {
  Login login;
  for (const SecurityLayer layer : {kIntegrityLayer, kConfidentialityLayer}) {
    for (size_t bit = 0; bit < 8 * (4 + 16 + 6); ++bit) {
      Outcome out = login.run(SaslMechanism::kGssapi, layer, layer);
      ASSERT_NE(out.client_layer, nullptr);
      Bytes wire;
      ASSERT_TRUE(out.client_layer->wrap(as_bytes("QUIT\r\n"), wire).has_value());
      ASSERT_EQ(wire.size(), 4u + 16 + 6);
      wire[bit / 8] = static_cast<uint8_t>(wire[bit / 8] ^ 1u << bit % 8);
      // A length that became greater waits for more; nothing of it comes out before.
      append(wire, Bytes(6'000));
      ByteView rest = wire;
      const Result<bool> result = out.server_layer->unwrap(rest);
      ASSERT_FALSE(result.has_value()) << bit;
      EXPECT_TRUE(out.server_layer->content().empty());
    }
  }
}

TEST(SaslLayerPair, SSEAN_W1_BuffersRepeatedSwappedOrSentBackAreRefused) {
  Login login;
  const auto unwrap = [](SaslLayer& layer, ByteView wire) { return layer.unwrap(wire); };
  const auto run = [&] {
    return login.run(SaslMechanism::kGssapi, kConfidentialityLayer, kConfidentialityLayer);
  };
  for (const char* attack : {"repeated", "swapped", "sent back"}) {
    Outcome out = run();
    Bytes one, two;
    ASSERT_TRUE(out.client_layer->wrap(as_bytes("one"), one).has_value());
    ASSERT_TRUE(out.client_layer->wrap(as_bytes("two"), two).has_value());
    if (attack == std::string_view("repeated")) {
      EXPECT_TRUE(unwrap(*out.server_layer, one).has_value());
      EXPECT_EQ(unwrap(*out.server_layer, one).error().code, Errc::kExpired);
    } else if (attack == std::string_view("swapped")) {
      EXPECT_EQ(unwrap(*out.server_layer, two).error().code, Errc::kExpired);
    } else {
      EXPECT_FALSE(unwrap(*out.client_layer, one).has_value());
    }
    // No later buffer is taken either.
    EXPECT_FALSE(
        unwrap(attack == std::string_view("sent back") ? *out.client_layer : *out.server_layer, two)
            .has_value());
  }
}

// --- the step itself, against a scripted context ---

std::string message(int layer, uint32_t size, std::string_view rest = "") {
  std::string out = {static_cast<char>(layer), static_cast<char>(size >> 16),
                     static_cast<char>(size >> 8), static_cast<char>(size)};
  return out.append(rest);
}

struct StepClient {
  explicit StepClient(SecurityLayer layers, bool confidential = true) {
    contexts.scripts.push_back(FakeScript().ends(std::nullopt, "only").protects(confidential));
    client =
        make_sasl_client(SaslMechanism::kGssapi, contexts, {}, {.layer = {layers, 0x1234}}).value();
    EXPECT_TRUE(client->step({}).has_value());
  }
  std::string offer(int layers, uint32_t size) {
    const auto step = client->step(as_bytes(wrapped(message(layers, size))));
    if (!step.has_value()) return std::string("error: ") + step.error().where;
    return std::string(as_text(std::get<SaslClient::Response>(step.value()).token));
  }
  FakeContexts contexts;
  std::unique_ptr<SaslClient> client;
};

TEST(GssClient, SSEAN_W1_AnswersWithTheLayerAndItsOwnMaximumSize) {
  StepClient step(kNoLayer | kBoth);
  EXPECT_EQ(step.offer(7, 0x10000), wrapped(message(4, 0x1234)));
  const auto report = step.client->success();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report.value().layer, kConfidentialityLayer);
  EXPECT_EQ(report.value().max_send, 0x10000u);
  EXPECT_NE(step.client->take_layer(), nullptr);
  EXPECT_EQ(step.client->take_layer(), nullptr);
  EXPECT_TRUE(step.client->proof_sent());
}

TEST(GssClient, SSEAN_W1_HasNoLayerToTakeBeforeSuccess) {
  StepClient step(kBoth);
  step.offer(7, 0x10000);
  EXPECT_EQ(step.client->take_layer(), nullptr);
}

TEST(GssClient, SSEAN_W1_ChoosesOnlyWhatTheContextGives) {
  EXPECT_EQ(StepClient(kNoLayer | kBoth, false).offer(7, 0x10000), wrapped(message(2, 0x1234)));
  EXPECT_EQ(StepClient(kConfidentialityLayer, false).offer(7, 0x10000),
            "error: security layer offer: none of the layers that are required");
}

TEST(GssClient, SSEAN_W1_BitsUnknownAreNegotiatedOff) {
  EXPECT_EQ(StepClient(kNoLayer | kBoth).offer(0xfa, 0x10000), wrapped(message(2, 0x1234)));
}

TEST(GssClient, SMT_9_RefusesAMaximumSizeThatHoldsNothingWhereALayerIsChosen) {
  for (const uint32_t size : {0u, 4u}) {
    EXPECT_EQ(StepClient(kBoth).offer(6, size), "error: security layer: the peer's maximum size");
  }
  EXPECT_EQ(StepClient(kBoth).offer(6, 5), wrapped(message(4, 0x1234)));
}

TEST(GssClient, SSEAN_W1_QuirkA22_AsksForTheFlagsThatItsLayersNeed) {
  for (const SaslMechanism mechanism : {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego}) {
    FakeContexts contexts;
    contexts.scripts.push_back(FakeScript().sends("token"));
    ASSERT_TRUE(
        make_sasl_client(mechanism, contexts, {}, {.layer = {kIntegrityLayer, 100}}).has_value());
    EXPECT_EQ(contexts.asked.at(0).layers, kIntegrityLayer);
    EXPECT_EQ(contexts.asked.at(0).exact_layers, mechanism == SaslMechanism::kGssSpnego);
  }
}

struct StepServer {
  explicit StepServer(SecurityLayer layers, bool confidential = true) {
    contexts.scripts.push_back(FakeScript().ends().protects(confidential));
    server =
        make_sasl_server(SaslMechanism::kGssapi, contexts, {}, {.layer = {layers, 0x1234}}).value();
    offer = step("init");
  }
  std::string step(std::string_view response) {
    const auto result = server->step(as_bytes(response));
    if (!result.has_value()) return std::string("error: ") + result.error().where;
    if (std::holds_alternative<SaslServer::Success>(result.value())) return "235";
    return std::string(as_text(std::get<SaslServer::Challenge>(result.value()).token));
  }
  FakeContexts contexts;
  std::unique_ptr<SaslServer> server;
  std::string offer;
};

TEST(GssServer, SSEAN_W1_OffersTheLayersThatAreNamedAndThatTheContextGives) {
  EXPECT_EQ(StepServer(kNoLayer | kBoth).offer, wrapped(message(7, 0x1234)));
  EXPECT_EQ(StepServer(kNoLayer | kBoth, false).offer, wrapped(message(3, 0x1234)));
  EXPECT_EQ(StepServer(kNoLayer | kConfidentialityLayer, false).offer, wrapped(message(1, 0)));
  EXPECT_EQ(StepServer(kConfidentialityLayer, false).offer,
            "error: security layer: the context has none of those required");
}

TEST(GssServer, SSEAN_W1_SMT_9_TakesOneLayerThatItOffered) {
  for (int choice = 0; choice < 256; ++choice) {
    for (int offer = 2; offer < 8; ++offer) {
      StepServer server(set_of(offer));
      const bool single = choice == 1 || choice == 2 || choice == 4;
      const std::string answer = server.step(wrapped(message(choice, 0x10000, "")));
      EXPECT_EQ(answer, single && (choice & offer) != 0
                            ? "235"
                            : "error: security layer choice: it was not offered")
          << choice << " of " << offer;
      EXPECT_EQ(server.server->take_layer() != nullptr, answer == "235" && choice != 1);
    }
  }
}

TEST(GssServer, SMT_9_RefusesAMaximumSizeThatHoldsNothingWhereALayerIsChosen) {
  for (const uint32_t size : {0u, 4u}) {
    EXPECT_EQ(StepServer(kBoth).step(wrapped(message(2, size))),
              "error: security layer: the peer's maximum size");
  }
}

}  // namespace
}  // namespace pocketgss
