# A small SMTP server whose AUTH is Cyrus SASL's, security layers and all: what `pocketgss send
# --layer` is tried against, as no mail server here has them.
import base64
import contextlib
import socket
import threading

from . import accounts
from .process import free_port
from .tokens import Refused


class LayeredServer:
    """Serves one connection with the peer that `make_peer()` gives. `message` is what was
    delivered, `lines` what the client said, `clear` what of it came in clear."""

    def __init__(self, mechanism, make_peer):
        self._mechanism, self._make_peer = mechanism, make_peer
        self.port, self.lines, self.clear, self.message = free_port(), [], [], None
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        self._listener.close()
        self._thread.join(5)

    def _serve(self):
        with contextlib.suppress(OSError, Refused, EOFError):
            self._socket = self._listener.accept()[0]
            self._input, self._plain, self._layer = self._socket.makefile("rb"), b"", None
            self._dialogue()

    def _dialogue(self):
        self._say(f"220 {accounts.HOST} ESMTP")
        while True:
            line = self._line()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self._say(f"250-{accounts.HOST}\r\n250 AUTH {self._mechanism}")
            elif verb == "AUTH":
                self._authenticate(line.split(" ")[2:])
            elif verb == "DATA":
                self._say("354 go")
                self.message = "\n".join(iter(self._line, "."))
                self._say("250 ok")
            elif verb == "QUIT":
                return self._say("221 bye")
            else:
                self._say("250 ok")

    def _authenticate(self, initial):
        peer = self._make_peer()
        if not initial:
            self._say("334 ")
            initial = [self._line()]
        try:
            step = peer.step(base64.b64decode(initial[0]))
            while not step.established or step.token:
                self._say("334 " + base64.b64encode(step.token or b"").decode())
                step = peer.step(base64.b64decode(self._line()))
        except Refused:
            peer.close()
            return self._say("535 5.7.8 no")
        self._say("235 2.7.0 ok")
        if "ssf=0 " not in peer.info():
            self._layer = peer

    def _say(self, text):
        wire = text.encode() + b"\r\n"
        self._socket.sendall(self._layer.wrap(wire) if self._layer else wire)

    def _line(self):
        while b"\r\n" not in self._plain:
            if self._layer is None:
                got = self._input.readline()
            else:
                length = self._input.read(4)
                got = length and self._layer.unwrap(
                    length + self._input.read(int.from_bytes(length, "big"))
                )
            if not got:
                raise EOFError
            self._plain += got
        raw, _, self._plain = self._plain.partition(b"\r\n")
        line = raw.decode(errors="backslashreplace")
        self.lines.append(line)
        if self._layer is None:
            self.clear.append(line)
        return line
