# The line-driven drivers with Kerberos: ours over the library, MIT's and Heimdal's GSS-API, the JDK's.
# Each initiator has the tickets of one credential cache, each acceptor a key table.
from . import accounts
from .tokens import LinePeer

MUTUAL, ONE_WAY = 0x3E, 0x3C  # with replay, sequence, confidentiality, integrity
# Where bindings are the JDK's of a TLS channel, which its public interface cannot make.
_JDK_EXPORT = "java.security.jgss/sun.security.jgss.krb5.internal=ALL-UNNAMED"


class KerberosDrivers:
    """`environment` is that of the realm. `keytab` is for us too: nobody else may read it."""

    def __init__(self, tools, state, environment, ccache, keytab):
        self._tools, self._state = tools, state
        self._ccache, self._keytab = ccache, keytab
        self._environment = {
            **environment,
            "KRB5CCNAME": f"FILE:{ccache}",
            "KRB5_KTNAME": f"FILE:{keytab}",
            "KRB5RCACHENAME": f"file2:{state}/replays",
        }

    def _peer(self, name, command):
        program = command[0].name if hasattr(command[0], "name") else command[0]
        return LinePeer(name, command, self._environment, self._state / f"{program}.log")

    def ours(self, role, mechanism, host, *, flags=MUTUAL, binding=None, options=()):
        command = [self._tools.pgss_peer, role, mechanism, *options]
        if role == "initiate":
            command += ["--ccache", self._ccache, "--target", f"smtp/{host}", "--flags", str(flags)]
        else:
            command += ["--keytab", self._keytab, "--host", host]
        if binding:
            command += ["--binding", binding.hex()]
        return self._peer(f"our {role}", command)

    def our_sasl(self, role, mechanism, *options, host=accounts.HOST):
        """`role` is "client" or "server"; `host` is the server's."""
        command = [self._tools.pgss_peer, f"sasl-{role}", mechanism, *options]
        if role == "client":
            command += ["--ccache", self._ccache, "--target", f"smtp/{host}"]
        else:
            command += ["--keytab", self._keytab, "--host", host]
        return self._peer(f"our SASL {role}", command)

    def cyrus(self, role, mechanism, *options, host=accounts.HOST):
        """Cyrus SASL over MIT's GSS-API, as "client" or "server"."""
        command = [self._tools.sasl_peer, role, mechanism, "--host", host, *options]
        return self._peer(f"Cyrus {role}", command)

    def mit(self, role, mechanism, host, *, flags=MUTUAL, binding=None):
        return self._system("MIT", self._tools.gss_peer, role, mechanism, host, flags, binding)

    def heimdal(self, role, mechanism, host, *, flags=MUTUAL, binding=None):
        program = self._tools.heimdal_peer
        return self._system("Heimdal", program, role, mechanism, host, flags, binding)

    def _system(self, name, program, role, mechanism, host, flags, binding):
        command = [program, role, mechanism, "--inner", "krb5"]
        if role == "initiate":
            command += ["--target", f"smtp@{host}", "--flags", str(flags)]
        if binding:
            command += ["--binding", binding.hex()]
        return self._peer(f"{name} {role}", command)

    def jdk(self, role, mechanism, host, *, flags=MUTUAL, binding=None):
        command = ["java", "-XX:TieredStopAtLevel=1", "--add-exports", _JDK_EXPORT]
        command += [f"-Djava.io.tmpdir={self._state}"]  # for its file of replays
        command += ["-cp", self._tools.java_classpath, "GssPeer", role, mechanism, f"smtp@{host}"]
        return self._peer(f"JDK {role}", [*command, str(flags), *([binding.hex()] if binding else ())])
