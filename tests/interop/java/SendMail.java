// Sends one message with JavaMail, logged in by its own NTLM, or by the JDK's GSSAPI with the tickets of a credential cache.
//
//   java SendMail NTLM|GSSAPI PORT USER PASSWORD DOMAIN SUBJECT
//
// GSSAPI reads KRB5_CONFIG and KRB5CCNAME, and leaves PASSWORD and DOMAIN alone.
// Prints SENT, or the exceptions from the outermost in; exit code 0 or 1.
import java.security.PrivilegedExceptionAction;
import java.util.Properties;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;
import javax.security.auth.Subject;

public final class SendMail {
    private static final String HOST = "mail.example.test";

    public static void main(String[] arguments) {
        try {
            if (arguments[0].equals("GSSAPI")) {
                PrivilegedExceptionAction<Void> action = () -> {
                    send(arguments);
                    return null;
                };
                Subject.doAs(Kerberos.fromTickets(), action);
            } else {
                send(arguments);
            }
            System.out.println("SENT");
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                System.out.println(cause);
            }
            System.exit(1);
        }
    }

    private static void send(String[] arguments) throws Exception {
        String user = arguments[2];
        Session session = Session.getInstance(settings(arguments[0], arguments[4]));
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress("alice@example.test"));
        message.setRecipients(Message.RecipientType.TO, "bob@example.test");
        message.setSubject(arguments[5]);
        message.setText("sent by JavaMail\r\n");
        message.saveChanges();
        try (Transport transport = session.getTransport("smtp")) {
            transport.connect(HOST, Integer.parseInt(arguments[1]), user, arguments[3]);
            transport.sendMessage(message, message.getAllRecipients());
        }
    }

    private static Properties settings(String mechanism, String domain) {
        Properties settings = new Properties();
        settings.put("mail.smtp.auth", "true");
        settings.put("mail.smtp.localhost", "client.example.test");
        if (mechanism.equals("NTLM")) {
            settings.put("mail.smtp.auth.mechanisms", "NTLM");
            settings.put("mail.smtp.auth.ntlm.domain", domain);
        } else {
            settings.put("mail.smtp.sasl.enable", "true");
            settings.put("mail.smtp.sasl.mechanisms", mechanism);
        }
        return settings;
    }
}
