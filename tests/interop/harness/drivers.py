# The line-driven drivers as peers: ours over the library, the system's GSS-API with gss-ntlmssp,
# and Cyrus SASL over that.
from . import accounts
from .tokens import LinePeer

SIGN_AND_SEAL = "0x3e"  # mutual, replay, sequence, confidentiality, integrity
NO_FLAGS = "0"
ACCOUNT = f"{accounts.DOMAIN}\\{accounts.USER}"


class Drivers:
    """`state` takes their error output and the account file of gss-ntlmssp."""

    def __init__(self, tools, state):
        self._tools, self._state = tools, state
        self._users = accounts.gss_ntlmssp_users(state / "gss-ntlmssp-users")

    def our_initiator(
        self,
        mechanism,
        password=accounts.PASSWORD,
        *,
        user=ACCOUNT,
        flags=SIGN_AND_SEAL,
        options=(),
    ):
        return LinePeer(
            "our initiator",
            [
                self._tools.pgss_peer,
                "initiate",
                mechanism,
                "--user",
                user,
                "--password",
                password,
                "--target",
                f"smtp/{accounts.HOST}",
                "--flags",
                flags,
                *options,
            ],
            log=self._state / "pgss_peer.log",
        )

    def our_acceptor(self, mechanism, *, options=()):
        return LinePeer(
            "our acceptor",
            [
                self._tools.pgss_peer,
                "accept",
                mechanism,
                "--user",
                accounts.USER,
                "--password",
                accounts.PASSWORD,
                "--host",
                accounts.HOST,
                *options,
            ],
            log=self._state / "pgss_peer.log",
        )

    def gss_initiator(self, mechanism, password=accounts.PASSWORD, *, user=ACCOUNT, options=()):
        return LinePeer(
            "gss-ntlmssp initiator",
            [
                self._tools.gss_peer,
                "initiate",
                mechanism,
                "--user",
                user,
                "--password",
                password,
                "--target",
                f"smtp@{accounts.HOST}",
                "--flags",
                SIGN_AND_SEAL,
                *options,
            ],
            log=self._state / "gss_peer.log",
        )

    def gss_acceptor(self, mechanism, *, options=()):
        return LinePeer(
            "gss-ntlmssp acceptor",
            [self._tools.gss_peer, "accept", mechanism, *options],
            environment={"NTLM_USER_FILE": str(self._users)},
            log=self._state / "gss_peer.log",
        )

    def our_sasl_client(self, mechanism, password=accounts.PASSWORD, *, options=()):
        return LinePeer(
            "our SASL client",
            [
                self._tools.pgss_peer,
                "sasl-client",
                mechanism,
                "--user",
                ACCOUNT,
                "--password",
                password,
                "--target",
                f"smtp/{accounts.HOST}",
                *options,
            ],
            log=self._state / "pgss_peer.log",
        )

    def our_sasl_server(self, mechanism, *, options=()):
        return LinePeer(
            "our SASL server",
            [
                self._tools.pgss_peer,
                "sasl-server",
                mechanism,
                "--user",
                accounts.USER,
                "--password",
                accounts.PASSWORD,
                "--host",
                accounts.HOST,
                *options,
            ],
            log=self._state / "pgss_peer.log",
        )

    def cyrus(self, role, mechanism, *options):
        """Cyrus SASL as "client" or "server"; both take their account from NTLM_USER_FILE."""
        kerberos = self._state / "krb5.conf"
        kerberos.write_text("[libdefaults]\ndns_lookup_kdc = false\n")
        return LinePeer(
            f"Cyrus {role}",
            [self._tools.sasl_peer, role, mechanism, "--host", accounts.HOST, *options],
            environment={"NTLM_USER_FILE": str(self._users), "KRB5_CONFIG": str(kerberos)},
            log=self._state / "sasl_peer.log",
        )
