// Submitting a message to servers that do not behave: what it costs, and how it ends.
#include "tools/mail/submission.h"

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/fakes/fake_context.h"
#include "tests/tools/support/scripted_server.h"
#include "tests/tools/support/temp_folder.h"
#include "tools/files.h"
#include "tools/krb5/tickets.h"

namespace pocketgss::tools {
namespace {

using pocketgss::testing::FakeScript;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedManner;
using testing::ScriptedServer;
using Tls = SmtpClientConfig::Tls;

ServerIdentity identity() {
  return ServerIdentity::load(PGSS_TEST_DATA "/server.pem", PGSS_TEST_DATA "/server.key").value();
}

// takes_mail answers as a server without any extension that takes what it is given.
std::string takes_mail(const std::string& line) {
  if (line == "DATA") return "354 go on";
  if (line == "QUIT") return "221 2.0.0 Bye";
  const bool command = line.starts_with("EHLO ") || line.starts_with("MAIL ") ||
                       line.starts_with("RCPT ") || line == ".";
  return command ? "250 OK" : "";
}

// Pipe gives a message that cannot be read twice, and `later` a while after the rest.
class Pipe {
 public:
  Pipe(std::string message, std::string later) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    reading_ = Descriptor(ends[0]);
    ::signal(SIGPIPE, SIG_IGN);  // not all of a message finds a reader
    writer_ = std::thread(
        [pipe = Descriptor(ends[1]), first = std::move(message), rest = std::move(later)] {
          static_cast<void>(write_all(pipe.get(), as_bytes(first)));
          if (!rest.empty()) std::this_thread::sleep_for(milliseconds(300));
          static_cast<void>(write_all(pipe.get(), as_bytes(rest)));
        });
  }
  ~Pipe() {
    reading_.reset();
    writer_.join();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::string path() const { return "/dev/fd/" + std::to_string(reading_.get()); }

 private:
  Descriptor reading_;
  std::thread writer_;
};

// lines is about `size` octets of a message.
std::string lines(size_t size) {
  std::string out;
  while (out.size() < size) out += "It goes on and on.\r\n";
  return out;
}

struct Submit : ::testing::Test {
  // submit_to hands the message over, with a login where there is a script of one, and takes the time.
  Fallible<Submitted> submit_to(const ScriptedServer& server) {
    SmtpClientConfig smtp;
    smtp.tls = tls;
    smtp.login = !contexts.scripts.empty();
    SmtpClient client(contexts, smtp);
    SubmissionConfig config;
    config.host = "localhost";
    config.timeout = timeout;
    config.message_timeout = message_timeout;
    config.trust = [] { return TrustStore::from_file(PGSS_TEST_DATA "/ca.pem"); };
    auto transport = ClientTransport::connect("127.0.0.1", server.port(), milliseconds(5'000));
    if (!transport.has_value()) return transport.failure();
    std::optional<Pipe> pipe;
    if (through_pipe) pipe.emplace(message, later);
    auto source = MessageSource::open(pipe ? pipe->path() : folder.write("mail", message));
    if (!source.has_value()) return source.failure();
    const auto begin = std::chrono::steady_clock::now();
    auto outcome = submit(client, transport.value(), envelope, source.value(), config);
    took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    return outcome;
  }

  testing::TempFolder folder;
  pocketgss::testing::FakeContexts contexts;
  bool through_pipe = false;
  Tls tls = Tls::kNone;
  milliseconds timeout{20'000}, message_timeout{20'000};
  Envelope envelope{"a@example.test", {"b@example.test"}};
  std::string message = "text\r\n";
  std::string later;
  milliseconds took{0};
};

// --- a server that closes the connection ---

TEST_F(Submit, EndsWhereTheServerClosesOnQuit) {
  for (const Tls how : {Tls::kNone, Tls::kImplicit}) {
    ScriptedManner manner{.hangs_up_on = "QUIT"};
    if (how == Tls::kImplicit) manner.tls = identity();
    ScriptedServer server(takes_mail, manner);
    tls = how;
    const auto sent = submit_to(server);
    ASSERT_TRUE(sent.has_value()) << sent.failure().message;
    EXPECT_EQ(sent.value().reply.code, 250);
    EXPECT_LT(took, milliseconds(1'000));
    EXPECT_THAT(server.lines(),
                ElementsAre("EHLO localhost", "MAIL FROM:<a@example.test>",
                            "RCPT TO:<b@example.test>", "DATA", "text", ".", "QUIT"));
  }
}

TEST_F(Submit, TellsOfARefusedRecipientThoughTheServerClosesOnQuit) {
  const auto refuses = [](const std::string& line) {
    return line.starts_with("RCPT ") ? "550 5.1.1 who" : takes_mail(line);
  };
  for (const Tls how : {Tls::kNone, Tls::kImplicit}) {
    ScriptedManner manner{.hangs_up_on = "QUIT"};
    if (how == Tls::kImplicit) manner.tls = identity();
    ScriptedServer server(refuses, manner);
    tls = how;
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kNoUser);
    EXPECT_THAT(sent.failure().message, HasSubstr("550 5.1.1 who"));
    EXPECT_LT(took, milliseconds(1'000));
    EXPECT_EQ(server.lines().back(), "QUIT");
  }
}

TEST_F(Submit, TellsOfAReplyOfSeveralLinesInOneLine) {
  const auto refuses = [](const std::string& line) {
    return line.starts_with("RCPT ")
               ? "550-5.7.1 Blocked\r\n550-5.7.1 pocketgss send: done\r\n550 5.7.1 See example.test"
               : takes_mail(line);
  };
  ScriptedServer server(refuses);
  const auto sent = submit_to(server);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.failure().message,
            "the server refuses the recipient 'b@example.test': 550 5.7.1 Blocked / pocketgss "
            "send: done / See example.test");
}

TEST_F(Submit, TellsWhereTheServerClosesBeforeItTookTheMessage) {
  for (const char* on : {"", "EHLO ", "RCPT ", "."}) {
    ScriptedServer server(takes_mail, {.hangs_up_on = on});
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value()) << on;
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kIoError) << on << sent.failure().message;
    EXPECT_LT(took, milliseconds(1'000));
  }
}

// --- a server that cannot now ---

TEST_F(Submit, TriesLaterWhereTheServerSaysSoBeforeTheLogin) {
  struct Case {
    const char* verb;
    const char* reply;
    ExitCode exit_code;
  };
  tls = Tls::kStartTls;
  for (const Case& at : {Case{"EHLO ", "421 4.3.2 too many connections", ExitCode::kTempFail},
                         Case{"EHLO ", "502 5.5.1 what", ExitCode::kUnavailable},
                         Case{"STARTTLS", "454 4.7.0 no TLS now", ExitCode::kTempFail},
                         Case{"STARTTLS", "502 5.5.1 no TLS", ExitCode::kUnavailable}}) {
    ScriptedServer server([&at](const std::string& line) {
      if (line.starts_with(at.verb)) return std::string(at.reply);
      return std::string(line.starts_with("EHLO ") ? "250-mail\r\n250 STARTTLS" : "");
    });
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value()) << at.reply;
    EXPECT_EQ(sent.failure().exit_code, at.exit_code) << sent.failure().message;
    EXPECT_EQ(sent.failure().message.find("Try again later.") != std::string::npos,
              at.exit_code == ExitCode::kTempFail)
        << sent.failure().message;
  }
}

TEST_F(Submit, TellsWhatTheServerSaysWithTheEndOfItsTlsHandshake) {
  const auto offers_tls = [](const std::string& line) {
    if (line == "STARTTLS") return std::string("220 go on");
    return line.starts_with("EHLO ") ? "250-mail\r\n250 STARTTLS" : takes_mail(line);
  };
  for (const Tls how : {Tls::kImplicit, Tls::kStartTls}) {
    for (const bool resets : {false, true}) {
      ScriptedServer server(offers_tls, {.tls = identity(),
                                         .starttls = how == Tls::kStartTls,
                                         .parts_with = "421 4.3.2 too many connections",
                                         .resets = resets});
      tls = how;
      const auto sent = submit_to(server);
      ASSERT_FALSE(sent.has_value());
      EXPECT_EQ(sent.failure().exit_code, ExitCode::kTempFail) << sent.failure().message;
      EXPECT_THAT(sent.failure().message, HasSubstr("421 4.3.2 \"too many connections\""));
    }
  }
}

TEST(ClientTransport, TellsTheErrorThatSaysMost) {
  const int ranked[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH};
  for (size_t i = 0; i < std::size(ranked); ++i) {
    for (size_t j = i; j < std::size(ranked); ++j) {
      EXPECT_EQ(more_telling(ranked[i], ranked[j]), ranked[i]);
      EXPECT_EQ(more_telling(ranked[j], ranked[i]), ranked[i]);
    }
  }
  for (const int none : {EAFNOSUPPORT, EADDRNOTAVAIL}) {
    EXPECT_EQ(more_telling(none, EHOSTUNREACH), EHOSTUNREACH);
    EXPECT_EQ(more_telling(EACCES, none), EACCES);
  }
  EXPECT_EQ(more_telling(0, ENETUNREACH), ENETUNREACH);
}

// --- a server that answers before the message is whole ---

// interrupts answers the line STOP of a message, and takes the rest.
ScriptedServer::Answer interrupts(const std::string& with) {
  return [with](const std::string& line) { return line == "STOP" ? with : takes_mail(line); };
}

// RFC 5321 4.1.1.10: the connection is not closed before QUIT.
TEST_F(Submit, SaysGoodbyeWhereItIsRefused) {
  for (const bool pipelines : {false, true}) {
    for (const char* refused : {"MAIL ", "RCPT ", "DATA", ".", "EHLO "}) {
      ScriptedServer server([&](const std::string& line) {
        if (line.starts_with("EHLO ")) {
          return std::string("250-mail\r\n250") + (pipelines ? "-PIPELINING\r\n250" : "") +
                 (line.starts_with(refused) ? " SIZE 1" : " HELP");
        }
        return line.starts_with(refused) ? "550 5.7.1 No" : takes_mail(line);
      });
      envelope.to = {"b@example.test", "c@example.test"};
      message = "Subject: hello\r\n";
      EXPECT_FALSE(submit_to(server).has_value()) << refused;
      EXPECT_LT(took, milliseconds(1'000)) << refused;
      EXPECT_EQ(server.lines().back(), "QUIT") << refused;
    }
  }
}

// A 421 may come at any time (RFC 5321 3.8), in one piece with the answer before it too.
TEST_F(Submit, TellsWhatTheServerSaidBehindAnAnswer) {
  for (const bool pipelines : {false, true}) {
    for (const char* verb : {"EHLO ", "RCPT "}) {
      ScriptedServer server([&](const std::string& line) {
        std::string answer = takes_mail(line);
        if (pipelines && line.starts_with("EHLO ")) answer = "250-mail\r\n250 PIPELINING";
        return line.starts_with(verb) ? answer + "\r\n421 4.3.2 shutting down" : answer;
      });
      const auto sent = submit_to(server);
      ASSERT_FALSE(sent.has_value());
      EXPECT_EQ(sent.failure().exit_code, ExitCode::kTempFail) << verb << sent.failure().message;
      EXPECT_THAT(sent.failure().message, HasSubstr("421 4.3.2 \"shutting down\"")) << verb;
    }
  }
}

struct Interrupted {
  const char* reply;
  ExitCode exit_code;
  const char* text;
};

// RFC 5321 4.2.5, 3.8.
constexpr Interrupted kInterrupted[] = {
    {"421 4.4.2 Idle for too long", ExitCode::kTempFail,
     "the server refuses the message: 421 4.4.2 Idle for too long; try again later"},
    {"452 4.3.1 Full", ExitCode::kTempFail,
     "the server refuses the message: 452 4.3.1 Full; try again later"},
    {"552 5.3.4 Too big", ExitCode::kUnavailable,
     "the server refuses the message: 552 5.3.4 Too big"},
};

TEST_F(Submit, TellsWhatTheServerSaidWhileTheMessageStalled) {
  through_pipe = true;
  for (const Interrupted& test : kInterrupted) {
    for (const Tls how : {Tls::kNone, Tls::kImplicit}) {
      ScriptedManner manner{.closes_after = "STOP"};
      if (how == Tls::kImplicit) manner.tls = identity();
      ScriptedServer server(interrupts(test.reply), manner);
      tls = how;
      message = "STOP\r\n" + lines(100'000);
      later = lines(1'000'000);
      const auto sent = submit_to(server);
      ASSERT_FALSE(sent.has_value());
      EXPECT_EQ(sent.failure().exit_code, test.exit_code);
      EXPECT_EQ(sent.failure().message, test.text);
      EXPECT_NE(server.lines().back(), ".");
    }
  }
}

TEST_F(Submit, TellsWhatTheServerSaidWhileTheMessageWasSent) {
  message = "STOP\r\n" + lines(4'000'000);
  for (const Interrupted& test : kInterrupted) {
    for (const Tls how : {Tls::kNone, Tls::kImplicit}) {
      ScriptedManner manner{.closes_after = "STOP"};
      if (how == Tls::kImplicit) manner.tls = identity();
      ScriptedServer server(interrupts(test.reply), manner);
      tls = how;
      const auto sent = submit_to(server);
      ASSERT_FALSE(sent.has_value());
      EXPECT_EQ(sent.failure().exit_code, test.exit_code);
      EXPECT_EQ(sent.failure().message, test.text);
    }
  }
}

TEST_F(Submit, TellsARefusalThatCameWithTheGoAhead) {
  for (const char* content : {"", "Subject: hello\r\n"}) {
    ScriptedServer server([](const std::string& line) {
      return line == "DATA" ? std::string("354 go on\r\n552 5.3.4 Too big") : takes_mail(line);
    });
    message = content;
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kUnavailable);
    EXPECT_EQ(sent.failure().message, "the server refuses the message: 552 5.3.4 Too big");
  }
}

// The server goes on reading, so that nothing but its reply ends this.
TEST_F(Submit, SendsNoMoreOfAMessageThatIsRefused) {
  ScriptedServer server(interrupts("552 5.3.4 Too big"));
  through_pipe = true;
  message = "STOP\r\n" + lines(100'000);
  later = lines(1'000'000);
  const auto sent = submit_to(server);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.failure().message, "the server refuses the message: 552 5.3.4 Too big");
  EXPECT_LT(server.lines().size(), 40'000u);
}

TEST_F(Submit, DoesNotTakeAReplyBeforeTheDotForASuccess) {
  for (const bool closes : {false, true}) {
    ScriptedManner manner;
    if (closes) manner.closes_after = "STOP";
    ScriptedServer server(interrupts("250 2.0.0 OK"), manner);
    through_pipe = true;
    message = "STOP\r\n" + lines(100'000);
    later = lines(1'000'000);
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kProtocol) << sent.failure().message;
    EXPECT_NE(server.lines().back(), ".");
  }
}

// The second write fails: the first made the server's system say that nobody is there any more.
TEST_F(Submit, ReadsWhatCameBeforeAWriteFailed) {
  for (const Tls how : {Tls::kNone, Tls::kImplicit}) {
    ScriptedManner manner{.closes_after = "NOOP"};
    if (how == Tls::kImplicit) manner.tls = identity();
    ScriptedServer server([](const std::string&) { return "421 Bye"; }, manner);
    auto transport = ClientTransport::connect("127.0.0.1", server.port(), milliseconds(5'000));
    ASSERT_TRUE(transport.has_value()) << transport.failure().message;
    const Deadline deadline = deadline_in(milliseconds(5'000));
    if (how == Tls::kImplicit) {
      const auto trust = TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value();
      const auto started = transport.value().start_tls(trust, "localhost", deadline);
      ASSERT_TRUE(started.has_value()) << started.failure().message;
    }
    ASSERT_TRUE(transport.value().write(as_bytes("NOOP\r\n"), deadline).has_value());
    static_cast<void>(server.lines());  // and it is closed
    bool well = true;
    for (int i = 0; i < 100 && well; ++i) {
      well = transport.value().write(as_bytes("NOOP\r\n"), deadline).has_value();
      std::this_thread::sleep_for(milliseconds(10));
    }
    ASSERT_FALSE(well);
    const auto came = transport.value().read_waiting();
    ASSERT_TRUE(came.has_value()) << came.failure().message;
    ASSERT_TRUE(came.value());
    EXPECT_EQ(as_text(*came.value()), "220 scripted\r\n421 Bye\r\n");
  }
}

// --- a ticket that has ended since it was got, or is refused ---

std::string lists_both(const std::string& line) {
  return line.starts_with("EHLO ") ? "250-mail\r\n250 AUTH GSSAPI NTLM" : takes_mail(line);
}

// A proof of the password may have gone out for that ticket.
TEST_F(Submit, P8_WhereATicketIsWantedOnceMoreNeitherAKdcNorNtlmIsTried) {
  ScriptedServer server(lists_both);
  contexts.policy_value.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  contexts.scripts = {FakeScript().asks_kdc("tgs-req"), FakeScript().sends("negotiate")};
  const auto sent = submit_to(server);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.failure().exit_code, ExitCode::kTempFail);
  EXPECT_EQ(sent.failure().message, "Kerberos: the ticket has ended since it was got; try again");
  EXPECT_THAT(server.lines(), ElementsAre("EHLO localhost"));
}

TEST_F(Submit, TheExitCodeIsThatOfWhatKerberosSays) {
  EXPECT_EQ(kerberos_exit_code(Errc::kAuthFailed), ExitCode::kNoPermission);
  EXPECT_EQ(kerberos_exit_code(Errc::kExpired), ExitCode::kNoPermission);
  EXPECT_EQ(kerberos_exit_code(Errc::kUnreachable), ExitCode::kTempFail);
  EXPECT_EQ(kerberos_exit_code(Errc::kPeerIncompatible), ExitCode::kUnavailable);
  EXPECT_EQ(kerberos_exit_code(Errc::kPolicy), ExitCode::kConfig);
  EXPECT_EQ(kerberos_exit_code(Errc::kMalformed), ExitCode::kProtocol);
}

// --- a refusal, and then a connection that breaks ---

TEST_F(Submit, TellsWhatTheFirstLoginWasRefusedForThoughTheNextHasNoEnd) {
  const auto refuses = [](const std::string& line) {
    return line.starts_with("AUTH GSSAPI ") ? "535 5.7.8 no" : lists_both(line);
  };
  contexts.policy_value.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  timeout = milliseconds(1'000);
  for (const ScriptedManner& manner :
       {ScriptedManner{.hangs_up_on = "AUTH NTLM"},
        ScriptedManner{.hangs_up_on = "AUTH NTLM", .resets = true}, ScriptedManner{}}) {
    contexts.scripts = {FakeScript().sends("ap-req"), FakeScript().sends("negotiate")};
    ScriptedServer server(refuses, manner);
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kNoPermission);
    EXPECT_THAT(sent.failure().message, HasSubstr("(AUTH GSSAPI); it said 535 5.7.8 \"no\""));
    EXPECT_THAT(server.lines().back(), HasSubstr("AUTH NTLM"));
  }
}

TEST_F(Submit, TellsThatTheConnectionBrokeWhereNothingWasRefused) {
  ScriptedServer server(lists_both, {.hangs_up_on = "AUTH GSSAPI", .resets = true});
  contexts.scripts = {FakeScript().sends("ap-req")};
  const auto sent = submit_to(server);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.failure().exit_code, ExitCode::kIoError);
  EXPECT_THAT(sent.failure().message, HasSubstr("the connection to the server broke"));
}

TEST_F(Submit, TellsOfARefusedRecipientThoughTheNextIsNotAnswered) {
  const auto refuses = [](const std::string& line) {
    return line.starts_with("RCPT TO:<b") ? "550 5.1.1 who" : takes_mail(line);
  };
  envelope.to.emplace_back("c@example.test");
  for (const bool resets : {false, true}) {
    ScriptedServer server(refuses, {.hangs_up_on = "RCPT TO:<c", .resets = resets});
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kNoUser);
    EXPECT_EQ(sent.failure().message,
              "the server refuses the recipient 'b@example.test': 550 5.1.1 who; the message was "
              "sent to none of the recipients");
  }
}

// --- a server that takes its time ---

// The greeting takes 2.8 s, the answer to EHLO 6 s: each octet comes in time, the whole does not.
TEST_F(Submit, TheTimeoutIsOfAWholeAnswer) {
  const auto long_winded = [](const std::string& line) {
    return line.starts_with("EHLO ") ? "250-A\r\n250-B\r\n250-C\r\n250 D" : takes_mail(line);
  };
  timeout = milliseconds(1'000);
  for (const Tls how : {Tls::kNone, Tls::kImplicit}) {
    for (const char* line : {"", "EHLO "}) {
      ScriptedManner manner{.dribbles_on = line};
      if (how == Tls::kImplicit) manner.tls = identity();
      ScriptedServer server(long_winded, manner);
      tls = how;
      const auto sent = submit_to(server);
      ASSERT_FALSE(sent.has_value()) << line;
      EXPECT_EQ(sent.failure().exit_code, ExitCode::kTempFail);
      EXPECT_THAT(sent.failure().message, HasSubstr("the server did not answer in time"));
      EXPECT_GE(took, timeout) << line;
      EXPECT_LT(took, milliseconds(2'500)) << line;
    }
  }
}

// A peer that always has more to give holds nobody beyond the deadline.
TEST_F(Submit, ReadsNothingBeyondTheDeadline) {
  ScriptedServer server(takes_mail);
  auto transport = ClientTransport::connect("127.0.0.1", server.port(), milliseconds(5'000));
  ASSERT_TRUE(transport.has_value()) << transport.failure().message;
  std::this_thread::sleep_for(milliseconds(200));  // the greeting is there
  const auto late = transport.value().read(deadline_in(milliseconds(0)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.failure().exit_code, ExitCode::kTempFail);
}

// 0.84 s of greeting and 0.8 s until the answer to EHLO: each is in time.
TEST_F(Submit, TheTimeoutBeginsAnewWithEachAnswer) {
  const auto slow_ehlo = [](const std::string& line) {
    if (line.starts_with("EHLO ")) std::this_thread::sleep_for(milliseconds(800));
    return takes_mail(line);
  };
  ScriptedServer server(slow_ehlo, {.dribbles_on = "", .pause = milliseconds(60)});
  timeout = milliseconds(1'400);
  const auto sent = submit_to(server);
  ASSERT_TRUE(sent.has_value()) << sent.failure().message;
  EXPECT_GT(took, timeout);
}

// RFC 5321 4.5.3.2.6.
TEST_F(Submit, WaitsLongerForTheAnswerToTheWholeMessage) {
  ScriptedServer server([](const std::string& line) {
    if (line == ".") std::this_thread::sleep_for(milliseconds(1'200));
    return takes_mail(line);
  });
  timeout = milliseconds(400);
  const auto sent = submit_to(server);
  ASSERT_TRUE(sent.has_value()) << sent.failure().message;
  EXPECT_GE(took, milliseconds(1'200));
}

TEST_F(Submit, SaysThatTheServerMayHaveTakenAMessageThatIsNotAnswered) {
  ScriptedServer silent(
      [](const std::string& line) { return line == "." ? "" : takes_mail(line); });
  message_timeout = milliseconds(400);
  const auto late = submit_to(silent);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.failure().exit_code, ExitCode::kTempFail);
  EXPECT_EQ(late.failure().message,
            "the server did not answer in time; try again later; the server may have taken the "
            "message, and would then get it twice");

  ScriptedServer closes(takes_mail, {.hangs_up_on = "."});
  const auto closed = submit_to(closes);
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.failure().exit_code, ExitCode::kIoError);
  EXPECT_THAT(closed.failure().message,
              HasSubstr("; the server may have taken the message, and would then get it twice"));
}

TEST_F(Submit, DoesNotSaySoWhereTheServerAnswersOrTheMessageIsNotWhole) {
  const auto refuses = [](const std::string& line) {
    return line == "." ? "554 5.6.0 No" : takes_mail(line);
  };
  ScriptedServer server(refuses);
  const auto refused = submit_to(server);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.failure().message, "the server refuses the message: 554 5.6.0 No");

  ScriptedServer closes(takes_mail, {.hangs_up_on = "DATA"});
  const auto closed = submit_to(closes);
  ASSERT_FALSE(closed.has_value());
  EXPECT_THAT(closed.failure().message, Not(HasSubstr("may have taken")));
}

TEST_F(Submit, WaitsAFewSecondsForTheAnswerToQuit) {
  ScriptedServer server(
      [](const std::string& line) { return line == "QUIT" ? "" : takes_mail(line); });
  const auto sent = submit_to(server);
  ASSERT_TRUE(sent.has_value()) << sent.failure().message;
  EXPECT_GE(took, milliseconds(1'000));
  EXPECT_LT(took, milliseconds(6'000));
}

// --- a message that the server cannot take ---

// RFC 6152 3.
TEST_F(Submit, EndsBeforeTheDotWhereAPipeHasEightBitsAndTheServerDoesNotTakeThem) {
  ScriptedServer server(takes_mail);
  through_pipe = true;
  message = "Subject: x\r\n\r\nj\xc3\xbcrgen\r\n";
  const auto sent = submit_to(server);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.failure().exit_code, ExitCode::kDataError);
  EXPECT_THAT(sent.failure().message,
              HasSubstr("the message has 8-bit characters, which this server does not take"));
  EXPECT_EQ(server.lines().back(), "DATA");
}

TEST_F(Submit, SendsEightBitsOfAPipeWhereTheServerTakesThem) {
  ScriptedServer server([](const std::string& line) {
    return line.starts_with("EHLO ") ? "250-mail\r\n250 8BITMIME" : takes_mail(line);
  });
  through_pipe = true;
  message = "j\xc3\xbcrgen\r\n";
  const auto sent = submit_to(server);
  ASSERT_TRUE(sent.has_value()) << sent.failure().message;
  EXPECT_THAT(server.lines(),
              ElementsAre("EHLO localhost", "MAIL FROM:<a@example.test> BODY=8BITMIME",
                          "RCPT TO:<b@example.test>", "DATA", "j\xc3\xbcrgen", ".", "QUIT"));
}

// --- addresses beyond ASCII ---

// RFC 6531 3.4.
TEST_F(Submit, AsksForSmtpUtf8WhereAnAddressNeedsIt) {
  const auto utf8 = [](const std::string& line) {
    return line.starts_with("EHLO ") ? "250-mail\r\n250-8BITMIME\r\n250 SMTPUTF8"
                                     : takes_mail(line);
  };
  const std::string plain = "a@example.test", other = "j\xc3\xbcrgen@example.test";
  for (const auto& [from, to] : {std::pair(plain, other), std::pair(other, plain)}) {
    ScriptedServer server(utf8);
    envelope = {from, {plain, to}};
    const auto sent = submit_to(server);
    ASSERT_TRUE(sent.has_value()) << sent.failure().message;
    EXPECT_EQ(server.lines().at(1), "MAIL FROM:<" + from + "> SMTPUTF8");
    EXPECT_EQ(server.lines().at(3), "RCPT TO:<" + to + ">");
  }
  ScriptedServer server(utf8);
  envelope = {plain, {plain}};
  ASSERT_TRUE(submit_to(server).has_value());
  EXPECT_EQ(server.lines().at(1), "MAIL FROM:<a@example.test>");
}

TEST_F(Submit, SaysThatAServerWithoutSmtpUtf8TakesNoSuchAddress) {
  const std::string plain = "a@example.test", other = "j\xc3\xbcrgen@example.test";
  for (const auto& [from, to] : {std::pair(plain, other), std::pair(other, plain)}) {
    ScriptedServer server(takes_mail);
    envelope = {from, {to}};
    const auto sent = submit_to(server);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.failure().exit_code, ExitCode::kUnavailable);
    EXPECT_THAT(sent.failure().message, ::testing::HasSubstr("SMTPUTF8"));
  }
}

}  // namespace
}  // namespace pocketgss::tools
