// Sends one message with .NET's own SmtpClient or with MailKit, logged in by SPNEGO or NTLM of .NET's own making.
//
//   dotnetmail smtpclient|mailkit-ntlm|mailkit-ntlm-native PORT USER PASSWORD DOMAIN SUBJECT clear|starttls
//
// smtpclient chooses the mechanism by itself: gssapi, ntlm, login, the first that the server announces. The switch makes .NET
// use its managed NTLM; managed SPNEGO follows where libgssapi cannot be loaded, which is the harness's part.
// Prints SENT, or the exceptions from the outermost in; exit code 0 or 1.
using System.Net;
using System.Net.Mail;
using MailKit.Security;

const string Host = "mail.example.test", From = "alice@example.test", To = "bob@example.test";

if (args.Length != 7)
{
    Console.Error.WriteLine("usage: dotnetmail smtpclient|mailkit-ntlm|mailkit-ntlm-native PORT USER PASSWORD DOMAIN SUBJECT clear|starttls");
    return 64;
}
AppContext.SetSwitch("System.Net.Security.UseManagedNtlm", true);
var (client, port, subject, tls) = (args[0], int.Parse(args[1]), args[5], args[6] == "starttls");
var credential = new NetworkCredential(args[2], args[3], args[4]);
try
{
    if (client == "smtpclient") SendBySmtpClient();
    else SendByMailKit(client == "mailkit-ntlm" ? new SaslMechanismNtlm(credential) : new SaslMechanismNtlmNative(credential));
    Console.WriteLine("SENT");
    return 0;
}
catch (Exception error)
{
    for (Exception? cause = error; cause != null; cause = cause.InnerException)
        Console.WriteLine($"{cause.GetType().FullName}: {cause.Message}");
    return 1;
}

void SendBySmtpClient()
{
    using var smtp = new SmtpClient(Host, port) { Timeout = 20_000, Credentials = credential, EnableSsl = tls };
    smtp.Send(From, To, subject, "sent by .NET\r\n");
}

void SendByMailKit(SaslMechanism mechanism)
{
    using var smtp = new MailKit.Net.Smtp.SmtpClient { Timeout = 20_000, CheckCertificateRevocation = false };
    smtp.Connect(Host, port, tls ? SecureSocketOptions.StartTls : SecureSocketOptions.None);
    smtp.Authenticate(mechanism);
    var message = new MimeKit.MimeMessage { Subject = subject, Body = new MimeKit.TextPart("plain") { Text = "sent by MailKit" } };
    message.From.Add(MimeKit.MailboxAddress.Parse(From));
    message.To.Add(MimeKit.MailboxAddress.Parse(To));
    smtp.Send(message);
    smtp.Disconnect(true);
}
