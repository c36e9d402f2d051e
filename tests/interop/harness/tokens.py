# One side of a GSS-API exchange, whoever plays it: pgss_peer and gss_peer (one line language), and
# Samba's ntlm_auth.
import base64
import dataclasses
from typing import Optional

from .case import Failed
from .process import LineProcess


class Refused(Exception):
    """A peer refused a token; the text is its reason."""

    def __init__(self, side, reason):
        super().__init__(f"{side} refused: {reason}")
        self.side, self.reason = side, reason


@dataclasses.dataclass
class Step:
    token: Optional[bytes]  # for the other side; None: nothing to send
    established: bool


class LinePeer:
    """pgss_peer, gss_peer or sasl_peer: `token`, `done`, `wrap`, `unwrap`, `mic`, `verify`, `prf`,
    `key` and `info`, one line each."""

    def __init__(self, side, command, environment=None, log=None):
        self.side = side
        self._process = LineProcess(command, environment, log)

    def step(self, token: bytes) -> Step:
        word, rest = self._ask(f"token {_text(token)}")
        if word not in ("continue", "established"):
            raise Failed(f"{self.side} said {word} {rest}")
        return Step(None if rest == "-" else base64.b64decode(rest), word == "established")

    def wrap(self, message: bytes) -> bytes:
        return self._bytes(f"wrap {_text(message)}")

    def sign(self, message: bytes) -> bytes:
        """A wrap that does not seal."""
        return self._bytes(f"sign {_text(message)}")

    def unwrap(self, token: bytes) -> bytes:
        return self._bytes(f"unwrap {_text(token)}")

    def mic(self, message: bytes) -> bytes:
        return self._bytes(f"mic {_text(message)}")

    def verify(self, message: bytes, mic: bytes):
        self._ask(f"verify {_text(message)} {_text(mic)}")

    def session_key(self) -> bytes:
        return self._bytes("key")

    def pseudo_random(self, partial: bool, message: bytes) -> bytes:
        """64 octets under the partial key, or the full one (RFC 4401)."""
        return self._bytes(f"prf {int(partial)} {_text(message)}")

    def done(self):
        """The other side reports success."""
        self._ask("done")

    def info(self) -> str:
        return self._ask("info")[1]

    def close(self):
        self._process.close()

    def _bytes(self, line):
        answer = self._ask(line)[1]
        return b"" if answer == "-" else base64.b64decode(answer)

    def _ask(self, line):
        word, _, rest = self._process.ask(line).partition(" ")
        if word == "error":
            raise Refused(self.side, rest)
        return word, rest


class NtlmAuth:
    """Samba's ntlm_auth in one of its helper protocols. It shows the session key, but wraps
    nothing."""

    _PROTOCOLS = {
        ("ntlm", True): "ntlmssp-client-1",
        ("ntlm", False): "squid-2.5-ntlmssp",
        ("spnego", True): "gss-spnego-client",
        ("spnego", False): "gss-spnego",
    }

    def __init__(self, side, mechanism, *, initiator, credentials=(), environment=None, log=None):
        self.side, self._mechanism, self._initiator = side, mechanism, initiator
        protocol = self._PROTOCOLS[mechanism, initiator]
        command = ["ntlm_auth", f"--helper-protocol={protocol}", *credentials]
        self._process = LineProcess(command, environment, log)
        self._first = True
        self.account = ""
        if (
            self._process.ask(
                "SF NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN NTLMSSP_FEATURE_SEAL"
            )
            != "OK"
        ):
            raise Failed("ntlm_auth did not take its features")

    def step(self, token: bytes) -> Step:
        return self._initiate(token) if self._initiator else self._accept(token)

    def _initiate(self, token):
        line = "YR" if self._first else f"TT {_text(token)}"
        self._first = False
        word, token_text, _ = self._answer(line)
        return Step(base64.b64decode(token_text) if token_text else None, word == "AF")

    def _accept(self, token):
        line = ("YR " if self._first else "KK ") + _text(token)
        self._first = False
        word, first, second = self._answer(line)
        if word != "AF":
            return Step(base64.b64decode(first), False)
        # raw NTLM: `AF account`; SPNEGO: `AF token account`
        token_text, self.account = ("", first) if self._mechanism == "ntlm" else (first, second)
        return Step(base64.b64decode(token_text) if token_text not in ("", "*") else None, True)

    def _answer(self, line):
        answer = self._process.ask(line)
        word, _, rest = answer.partition(" ")
        if word not in ("YR", "TT", "KK", "AF"):
            raise Refused(self.side, answer)
        first, _, second = rest.partition(" ")
        return word, first, second

    def session_key(self) -> bytes:
        word, _, key = self._process.ask("GK").partition(" ")
        if word != "GK" or not key:
            raise Failed(f"{self.side} has no session key")
        return base64.b64decode(key)

    def close(self):
        self._process.close()


def _text(token: bytes):
    return base64.b64encode(token).decode() or "-"
