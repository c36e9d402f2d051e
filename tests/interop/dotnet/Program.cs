// Sends one message with .NET's own SmtpClient or with MailKit, logged in by SPNEGO or NTLM of .NET's own making, or by Kerberos.
//
//   dotnetmail smtpclient|mailkit-ntlm|mailkit-ntlm-native PORT USER PASSWORD DOMAIN SUBJECT clear|starttls
//   dotnetmail smtpclient-tickets|smtpclient-tickets-managed|mailkit-gssapi ...
//
// smtpclient chooses the mechanism by itself: gssapi, ntlm, login, the first that the server announces. The switch makes .NET
// use its managed NTLM; managed SPNEGO follows where libgssapi cannot be loaded, which is the harness's part.
// The second three log in with the tickets of KRB5CCNAME by the system's GSS-API: smtpclient by its SPNEGO or, managed, by
// .NET's own around its Kerberos, MailKit by bare Kerberos. They ask for SMTPSVC/HOST.
// Prints SENT, or the exceptions from the outermost in; exit code 0 or 1.
using System.Net;
using System.Net.Mail;
using MailKit.Security;

const string Host = "mail.example.test", From = "alice@example.test", To = "bob@example.test";

if (args.Length != 7)
{
    Console.Error.WriteLine("usage: dotnetmail KIND PORT USER PASSWORD DOMAIN SUBJECT clear|starttls");
    return 64;
}
bool tickets = args[0] is "smtpclient-tickets" or "mailkit-gssapi";
AppContext.SetSwitch("System.Net.Security.UseManagedNtlm", !tickets);
tickets |= args[0] == "smtpclient-tickets-managed";
var (client, port, subject, tls) = (args[0], int.Parse(args[1]), args[5], args[6] == "starttls");
var credential = tickets ? CredentialCache.DefaultNetworkCredentials : new NetworkCredential(args[2], args[3], args[4]);
try
{
    if (client.StartsWith("smtpclient")) SendBySmtpClient();
    else SendByMailKit(client switch
    {
        "mailkit-ntlm" => new SaslMechanismNtlm(credential),
        "mailkit-ntlm-native" => new SaslMechanismNtlmNative(credential),
        "mailkit-gssapi" => new SaslMechanismGssapi(credential),
        _ => throw new ArgumentException(client),
    });
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
