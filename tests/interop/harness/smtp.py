# A small SMTP client that carries a peer's tokens through AUTH: what is left of SMTP when the
# tokens come from elsewhere.
import base64
import hashlib
import socket
import ssl

from . import accounts
from .case import Failed

NO_LAYER = b"\x01\x00\x00\x00"  # RFC 4752 3.1: no security layer, maximum size 0
LIMIT = 15  # seconds for a reply


class SmtpSession:
    def __init__(self, port):
        self.dialogue = []
        self._layer = None  # of protect()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._input = self._socket.makefile("rb")
        self._expect(self.reply(), 220)
        self.extensions = self._expect(self.command("EHLO client.example.test"), 250)

    def start_tls(self, authority):
        """STARTTLS, then EHLO again. TLS 1.2 at most: tls-unique is not defined for 1.3."""
        self._expect(self.command("STARTTLS"), 220)
        context = ssl.create_default_context(cafile=str(authority))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._socket = context.wrap_socket(self._socket, server_hostname=accounts.HOST)
        self._input = self._socket.makefile("rb")
        self.extensions = self._expect(self.command("EHLO client.example.test"), 250)

    def channel_bindings(self):
        """RFC 5929: the application data of each type that this channel has. The certificates of
        the harness are signed with SHA-256, so that is the hash of tls-server-end-point too."""
        certificate = self._socket.getpeercert(binary_form=True)
        return {
            "tls-server-end-point": b"tls-server-end-point:" + hashlib.sha256(certificate).digest(),
            "tls-unique": b"tls-unique:" + self._socket.get_channel_binding("tls-unique"),
        }

    def protect(self, peer):
        """From here on all goes through the peer's security layer (RFC 4954 4), so EHLO again."""
        self._layer, self._plain = peer, b""
        self.extensions = self._expect(self.command("EHLO client.example.test"), 250)

    def command(self, line):
        self.dialogue.append(f"C: {line}")
        wire = line.encode() + b"\r\n"
        self._socket.sendall(self._layer.wrap(wire) if self._layer else wire)
        return self.reply()

    def reply(self):
        """(code, text lines) of one reply."""
        lines = []
        while True:
            try:
                raw = self._read_line()
            except OSError as error:
                raise Failed(f"no reply: {error}\n{self.transcript()}") from None
            if not raw:
                raise Failed(f"the server closed the connection\n{self.transcript()}")
            line = raw.decode(errors="backslashreplace").rstrip("\r\n")
            self.dialogue.append(f"S: {line}")
            lines.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), lines

    def _read_line(self):
        if not self._layer:
            return self._input.readline(1 << 20)
        while b"\r\n" not in self._plain:
            length = self._input.read(4)
            if len(length) < 4:
                return b""
            token = self._input.read(int.from_bytes(length, "big"))
            self._plain += self._layer.unwrap(length + token)
        line, _, self._plain = self._plain.partition(b"\r\n")
        return line + b"\r\n"

    def mechanisms(self):
        return [
            word
            for line in self.extensions
            if line.upper().startswith("AUTH")
            for word in line.split()[1:]
        ]

    def authenticate(self, mechanism, peer, *, initial_response=True, authzid=""):
        """Runs AUTH with the peer's tokens, then the layer step where the server starts one.
        Returns the last reply."""
        step = peer.step(b"")
        if initial_response:
            code, text = self.command(f"AUTH {mechanism} {_text(step.token)}")
        else:
            code, text = self.command(f"AUTH {mechanism}")
            if code == 334:
                code, text = self.command(_text(step.token))
        while code == 334:
            challenge = base64.b64decode(text[0])
            if not step.established:
                step = peer.step(challenge)
                code, text = self.command(_text(step.token))
            elif not challenge:
                code, text = self.command("")
            else:
                code, text = self.command(_text(self._layer_step(peer, challenge, authzid)))
        return code, " ".join(text)

    def _layer_step(self, peer, challenge, authzid):
        offer = peer.unwrap(challenge)
        self.dialogue.append(f"   layer offer {offer.hex()}")
        if len(offer) != 4 or not offer[0] & 1:
            raise Failed(f"layer offer {offer.hex()} does not hold 'no layer'")
        return peer.wrap(NO_LAYER + authzid.encode())

    def deliver(self, sender="a@example.test", recipient="b@example.test"):
        self._expect(self.command(f"MAIL FROM:<{sender}>"), 250)
        self._expect(self.command(f"RCPT TO:<{recipient}>"), 250)
        self._expect(self.command("DATA"), 354)
        self._expect(self.command("Subject: by the harness\r\n\r\nbody\r\n."), 250)

    def transcript(self):
        return "\n".join(f"    | {line[:160]}" for line in self.dialogue)

    def close(self):
        self._socket.close()

    def _expect(self, reply, code):
        if reply[0] != code:
            raise Failed(f"expected {code}\n{self.transcript()}")
        return reply[1]


def _text(token):
    return base64.b64encode(token or b"").decode()


def plain_session(port):
    """True where a server greets on this port; for readiness."""
    try:
        SmtpSession(port).close()
        return True
    except (OSError, Failed, ValueError):
        return False
