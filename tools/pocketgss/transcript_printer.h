// What -v shows: the SMTP dialogue line by line, each SASL token decoded below its line.
#ifndef PGSS_TOOLS_POCKETGSS_TRANSCRIPT_PRINTER_H_
#define PGSS_TOOLS_POCKETGSS_TRANSCRIPT_PRINTER_H_

#include <iosfwd>
#include <string>

#include <pocketgss/smtp.h>

namespace pocketgss::tools {

// TranscriptPrinter writes "C: " and "S: " lines to a stream. Of a token it shows the size and the
// decoded tree without responses, MICs and keys: nothing that would let a reader try passwords.
class TranscriptPrinter final : public SmtpTranscript {
 public:
  explicit TranscriptPrinter(std::ostream& out) : out_(out) {}

  void line(SmtpParty from, std::string_view text) override;
  void token(SmtpParty from, std::string_view prefix, SaslMechanism, ByteView token) override;

  // note writes a line of this program's own ("* TLS 1.3, certificate of mail.example.test").
  void note(std::string_view text);

 private:
  std::ostream& out_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_POCKETGSS_TRANSCRIPT_PRINTER_H_
