// The state of an SMTP server's session. smtp_server.cc moves bytes, time and answers;
// smtp_server_commands.cc knows the commands.
#ifndef PGSS_SASL_SMTP_SERVER_IMPL_H_
#define PGSS_SASL_SMTP_SERVER_IMPL_H_

#include <list>

#include <pocketgss/smtp_server.h>

#include "sasl/data_stream.h"
#include "sasl/layer.h"
#include "sasl/line.h"
#include "sasl/login_session.h"

namespace pocketgss {

//   AwaitTls --> Command --AUTH--> Auth --response--> Auth ... --> Command
//                   |                |--> AwaitAccount --> Auth or Command
//                   |                `--> AwaitAuthorisation --> Auth or Command
//                   |--MAIL, RCPT--> AwaitReply --> Command
//                   `--DATA--> AwaitReply --354--> Content --.--> AwaitReply --> Command
// Closed from everywhere. AwaitTls, AwaitAccount, AwaitAuthorisation and AwaitReply take no input;
// what arrives waits in pending_.
class SmtpServer::Impl {
 public:
  Impl(ContextProvider& contexts, const SmtpServerConfig& config, SmtpTranscript* transcript);

  // run makes a call of the caller's; an exception in it ends the session.
  template <typename Body>
  Result<void> run(Body&& body);
  template <typename Body>
  void run_quietly(Body&& body);

  void receive(ByteView bytes);
  bool wants_input() const {
    return state_ != State::kClosed && (!waiting() || state_ == State::kAwaitTls);
  }
  // The event that asks is always the last one: what follows it has not been read.
  bool wants_reply() const { return state_ == State::kAwaitReply && events_.empty(); }
  void connection_closed();
  void stop();
  void stop_now();
  std::optional<Event> next_event();
  Bytes take_output();

  void tick(Micros now);
  Micros deadline() const;

  Result<void> tls_started(TlsChannel channel);
  Result<void> resume(AccountAnswer answer);
  Result<void> authorise(AuthorisationAnswer answer);
  Result<void> accept();
  Result<void> answer(const SmtpReply& reply);

  bool over_tls() const { return over_tls_; }
  const SaslReport* login() const { return login_ ? &*login_ : nullptr; }
  const std::string& ehlo_name() const { return ehlo_name_; }

 private:
  enum class State : uint8_t {
    kAwaitTls,
    kCommand,
    kAuth,
    kAwaitAccount,
    kAwaitAuthorisation,
    kAwaitReply,
    kContent,
    kClosed
  };
  enum class Asked : uint8_t { kMail, kRcpt, kData, kEnd };
  struct Handler {
    std::string_view verb;
    void (Impl::*handle)(std::string_view arguments);
  };
  static const Handler kHandlers[];

  // --- smtp_server.cc ---
  bool waiting() const;
  void process(ByteView& input);
  void read_line(ByteView& input);
  void on_long_line();
  void read_content(ByteView& input);
  void drop_message(const Error& error);
  void forget_client();
  void go_on();
  void reply(int code, std::string_view enhanced, std::string_view text);
  void reply(const SmtpReply& reply) { this->reply(reply.code, reply.enhanced, reply.text); }
  void refuse(int code, std::string_view enhanced, std::string_view text);
  void refuse(const SmtpReply& reply) { refuse(reply.code, reply.enhanced, reply.text); }
  void close(const Error& error);
  void give_up(const Error& error);
  void close_with(int code, std::string_view enhanced, std::string_view text, const Error& error);
  void show(SmtpParty from, std::string_view line);
  void show_size(std::string_view prefix, size_t octets, std::string_view what);
  void ask(Asked asked, Event event);
  void apply_answer(int code);
  void reset_transaction();
  bool login_missing() const { return config_.require_auth && !login_; }

  // --- smtp_server_commands.cc ---
  void on_line();
  void on_ehlo(std::string_view arguments);
  void on_helo(std::string_view arguments);
  void on_starttls(std::string_view arguments);
  void on_mail(std::string_view arguments);
  void on_rcpt(std::string_view arguments);
  void on_data(std::string_view arguments);
  void on_rset(std::string_view arguments);
  void on_noop(std::string_view arguments);
  void on_vrfy(std::string_view arguments);
  void on_help(std::string_view arguments);
  void on_quit(std::string_view arguments);
  bool take_name(std::string_view arguments);
  bool may_send_mail();
  bool auth_offered() const;
  bool offered(SaslMechanism mechanism) const;
  std::vector<SaslMechanism> announced() const;
  std::vector<std::string> ehlo_lines() const;
  void reply_lines(int code, const std::vector<std::string>& lines);

  void on_auth(MutableBytes line);
  std::optional<SmtpReply> auth_refusal(std::string_view mechanism) const;
  void begin_auth(SaslMechanism mechanism, MutableBytes initial_response);
  void on_response(MutableBytes line);
  void take_response(MutableBytes text, std::string_view prefix);
  void perform(sasl::LoginSession::Action action);
  void challenge(ByteView token);
  void refuse_login(const SmtpReply& reply, const Error& error);
  void tell_refusal(const Error& error);

  ContextProvider& contexts_;
  const SmtpServerConfig& config_;
  SmtpTranscript* transcript_;

  State state_ = State::kCommand;
  sasl::LineBuffer line_;
  sasl::LayeredStream stream_;
  Bytes pending_;  // as it came over the wire
  Bytes output_;
  std::list<Event> events_;
  std::optional<Error> broken_;  // to be told by next_event()
  bool stopping_ = false;

  std::vector<ChannelBinding> bindings_;
  bool over_tls_ = false;
  std::string ehlo_name_;
  bool extended_ = false;  // EHLO, not HELO
  std::optional<sasl::LoginSession> session_;
  std::optional<SaslReport> login_;

  Asked asked_ = Asked::kMail;
  bool in_mail_ = false;
  unsigned recipients_ = 0;
  sasl::DotUnstuffer unstuffer_;
  uint64_t content_size_ = 0;
  bool dropping_ = false;  // the message is over the limit: read to its end

  unsigned bad_commands_ = 0;
  unsigned early_commands_ = 0;
  unsigned auth_failures_ = 0;
  std::optional<Micros> started_;
  Micros now_ = 0;
  Micros active_ = 0;
};

}  // namespace pocketgss

#endif  // PGSS_SASL_SMTP_SERVER_IMPL_H_
