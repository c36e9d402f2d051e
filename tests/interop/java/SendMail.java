// Sends one message with JavaMail, logged in by its own NTLM.
//
//   java SendMail PORT USER PASSWORD DOMAIN SUBJECT
//
// Prints SENT, or the exceptions from the outermost in; exit code 0 or 1.
import java.util.Properties;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;

public final class SendMail {
    private static final String HOST = "mail.example.test";

    public static void main(String[] arguments) {
        try {
            send(Integer.parseInt(arguments[0]), arguments[1], arguments[2], arguments[3], arguments[4]);
            System.out.println("SENT");
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                System.out.println(cause);
            }
            System.exit(1);
        }
    }

    private static void send(int port, String user, String password, String domain, String subject) throws Exception {
        Properties settings = new Properties();
        settings.put("mail.smtp.auth", "true");
        settings.put("mail.smtp.auth.mechanisms", "NTLM");
        settings.put("mail.smtp.auth.ntlm.domain", domain);
        settings.put("mail.smtp.localhost", "client.example.test");
        Session session = Session.getInstance(settings);
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress("alice@example.test"));
        message.setRecipients(Message.RecipientType.TO, "bob@example.test");
        message.setSubject(subject);
        message.setText("sent by JavaMail\r\n");
        message.saveChanges();
        try (Transport transport = session.getTransport("smtp")) {
            transport.connect(HOST, port, user, password);
            transport.sendMessage(message, message.getAllRecipients());
        }
    }
}
