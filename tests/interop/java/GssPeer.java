// One side of a GSS-API exchange on the JDK's own Kerberos and SPNEGO, driven line by line, with the lines of pgss_peer.
//
//   java GssPeer initiate|accept krb5|spnego SERVICE@HOST FLAGS [BINDING-HEX]
//
// The initiator has the tickets of KRB5CCNAME, the acceptor the keys of KRB5_KTNAME. FLAGS are those of RFC 2744.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.PrivilegedExceptionAction;
import java.util.Base64;
import java.util.HexFormat;
import javax.security.auth.Subject;
import org.ietf.jgss.ChannelBinding;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

public final class GssPeer {
    private static final int MUTUAL = 2, REPLAY = 4, SEQUENCE = 8, CONFIDENTIAL = 16, INTEGRITY = 32;

    private final boolean initiator;
    private final GSSContext context;

    public static void main(String[] arguments) throws Exception {
        boolean initiator = arguments[0].equals("initiate");
        Subject subject = initiator ? Kerberos.fromTickets() : Kerberos.fromKeys(arguments[2].replace('@', '/'));
        PrivilegedExceptionAction<Void> action = () -> {
            new GssPeer(initiator, arguments).serve();
            return null;
        };
        Subject.doAs(subject, action);
    }

    private GssPeer(boolean initiator, String[] arguments) throws GSSException {
        this.initiator = initiator;
        GSSManager manager = GSSManager.getInstance();
        Oid mechanism = new Oid(arguments[1].equals("spnego") ? "1.3.6.1.5.5.2" : "1.2.840.113554.1.2.2");
        GSSName service = manager.createName(arguments[2], GSSName.NT_HOSTBASED_SERVICE);
        if (initiator) {
            int flags = Integer.decode(arguments[3]);
            context = manager.createContext(service, mechanism, null, GSSContext.DEFAULT_LIFETIME);
            context.requestMutualAuth((flags & MUTUAL) != 0);
            context.requestReplayDet((flags & REPLAY) != 0);
            context.requestSequenceDet((flags & SEQUENCE) != 0);
            context.requestConf((flags & CONFIDENTIAL) != 0);
            context.requestInteg((flags & INTEGRITY) != 0);
        } else {
            context = manager.createContext(manager.createCredential(
                    service, GSSCredential.INDEFINITE_LIFETIME, mechanism, GSSCredential.ACCEPT_ONLY));
        }
        if (arguments.length > 4) {
            context.setChannelBinding(ofTls(HexFormat.of().parseHex(arguments[4])));
        }
    }

    // The public constructor hashes the data with addresses of a type that nobody else gives to a TLS channel, so this is the
    // class that the JDK itself has for one.
    private static ChannelBinding ofTls(byte[] data) throws GSSException {
        try {
            return (ChannelBinding) Class.forName("sun.security.jgss.krb5.internal.TlsChannelBindingImpl")
                    .getConstructor(byte[].class).newInstance(data);
        } catch (ReflectiveOperationException error) {
            throw new GSSException(GSSException.BAD_BINDINGS, 0, error.toString());
        }
    }

    private void serve() throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null && !line.equals("quit"); line = input.readLine()) {
            String[] words = line.split(" ");
            try {
                System.out.println(answer(words[0], octets(words, 1), octets(words, 2)));
            } catch (GSSException | RuntimeException error) { // it does throw such at some tokens
                System.out.println("error " + words[0] + ": " + text(error));
            }
        }
    }

    private String answer(String command, byte[] first, byte[] second) throws GSSException {
        switch (command) {
            case "token":
                byte[] token = initiator ? context.initSecContext(first, 0, first.length)
                        : context.acceptSecContext(first, 0, first.length);
                return (context.isEstablished() ? "established " : "continue ") + base64(token);
            case "wrap":
                return "ok " + base64(context.wrap(first, 0, first.length, new MessageProp(0, true)));
            case "sign":
                return "ok " + base64(context.wrap(first, 0, first.length, new MessageProp(0, false)));
            case "unwrap":
                return "ok " + base64(context.unwrap(first, 0, first.length, new MessageProp(0, false)));
            case "mic":
                return "ok " + base64(context.getMIC(first, 0, first.length, new MessageProp(0, false)));
            case "verify":
                context.verifyMIC(second, 0, second.length, first, 0, first.length, new MessageProp(0, false));
                return "ok -";
            case "info":
                return "ok source=" + context.getSrcName() + " mutual=" + context.getMutualAuthState();
            default:
                return "error no such command";
        }
    }

    private static byte[] octets(String[] words, int index) {
        boolean none = words.length <= index || words[index].equals("-");
        return none ? new byte[0] : Base64.getDecoder().decode(words[index]);
    }

    private static String base64(byte[] octets) {
        return octets == null || octets.length == 0 ? "-" : Base64.getEncoder().encodeToString(octets);
    }

    private static String text(Throwable error) {
        StringBuilder out = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            out.append(out.isEmpty() ? "" : ", by ").append(cause.toString().replace('\n', ' '));
        }
        return out.toString();
    }
}
