// Logins to the JDK's own Kerberos, without a configuration file of JAAS. KRB5_CONFIG names the realms.
import java.util.HashMap;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.auth.login.LoginException;

final class Kerberos {
    private Kerberos() {}

    /** The user whose tickets are in the credential cache KRB5CCNAME. */
    static Subject fromTickets() throws LoginException {
        return login(Map.of("useTicketCache", "true", "ticketCache", file("KRB5CCNAME")));
    }

    /** The service whose keys are in the key table KRB5_KTNAME. */
    static Subject fromKeys(String principal) throws LoginException {
        return login(Map.of(
                "useKeyTab", "true", "storeKey", "true", "isInitiator", "false",
                "principal", principal, "keyTab", file("KRB5_KTNAME")));
    }

    private static String file(String variable) {
        String name = System.getenv(variable);
        return name.startsWith("FILE:") ? name.substring(5) : name;
    }

    private static Subject login(Map<String, String> settings) throws LoginException {
        System.setProperty("java.security.krb5.conf", System.getenv("KRB5_CONFIG"));
        Map<String, String> options = new HashMap<>(settings);
        options.put("doNotPrompt", "true");
        Configuration configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {new AppConfigurationEntry(
                        "com.sun.security.auth.module.Krb5LoginModule",
                        AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options)};
            }
        };
        LoginContext context = new LoginContext("interop", null, null, configuration);
        context.login();
        return context.getSubject();
    }
}
