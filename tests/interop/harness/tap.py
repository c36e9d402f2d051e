# A relay before an SMTP server that keeps the dialogue: what a foreign client really sent.
import contextlib
import socket
import threading

_SHOWN = 160  # characters of a line


class Tap:
    """Listens on `port`, relays to the server's, one connection after another or at once."""

    def __init__(self, server_port):
        self._server_port = server_port
        self._lines = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lines(self, direction="C"):
        """The complete lines of one direction, in order: C from the client, S from the server."""
        with self._lock:
            return [text for who, text in self._lines if who == direction]

    def auth_commands(self):
        """(mechanism as sent, initial response or None) of each AUTH."""
        words = [line.split(" ") for line in self.lines() if line.upper().startswith("AUTH ")]
        return [(word[1], word[2] if len(word) > 2 else None) for word in words]

    def replies(self, code):
        return [line for line in self.lines("S") if line.startswith(str(code))]

    def transcript(self):
        with self._lock:
            return "\n".join(f"    | {who}: {_printable(text)}" for who, text in self._lines)

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                threading.Thread(target=self._pump, args=(client, server, "C"), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, "S"), daemon=True).start()

    def _pump(self, source, sink, who):
        pending = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                pending = self._keep(pending + data, who)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _keep(self, data, who):
        *complete, rest = data.split(b"\n")
        with self._lock:
            self._lines += [
                (who, line.rstrip(b"\r").decode(errors="backslashreplace")) for line in complete
            ]
        return rest


def _printable(text):
    """Within TLS the lines are anything."""
    return "".join(char if char.isprintable() else "." for char in text[:_SHOWN])
