# The two line-driven drivers as peers: ours over the library, and the system's GSS-API with gss-
# ntlmssp.
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
