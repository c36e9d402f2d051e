# A name server for the group's namespace: SRV and A records of its own, by UDP and TCP on port 53, and
# a resolv.conf that names it. It keeps what it was asked.
import contextlib
import pathlib
import socket
import struct
import threading

_ADDRESS, _PORT = "127.0.0.1", 53
_TYPES = {"A": 1, "SRV": 33}
_NAMES = {number: name for name, number in _TYPES.items()}
_INTERNET, _TTL, _NO_SUCH_NAME = 1, 60, 3


class NameServer:
    """`records`: {(name, "SRV"): [(priority, weight, port, target)], (name, "A"): [address]}, names in
    lower case and without the last dot."""

    def __init__(self):
        self.records, self.asked = {}, []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for each in (self._udp, self._tcp):
            each.bind((_ADDRESS, _PORT))
        self._tcp.listen()
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_udp(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                query, peer = self._udp.recvfrom(4096)
                self._udp.sendto(self._answer(query), peer)

    def _serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._tcp.accept()
                with connection, contextlib.suppress(OSError, struct.error):
                    connection.settimeout(2)
                    (size,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
                    answer = self._answer(connection.recv(size, socket.MSG_WAITALL))
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, query):
        name, end = _name_at(query, 12)
        kind = _NAMES.get(struct.unpack_from("!H", query, end)[0], "other")
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        known = any(name == each for each, _ in self.records)
        # An authoritative answer of this many records; the question comes back.
        flags = 0x8580 | (0 if known else _NO_SUCH_NAME)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        return header + query[12 : end + 4] + b"".join(_record(kind, each) for each in found)

    def close(self):
        for each in (self._udp, self._tcp):
            each.close()


def _name_at(query, at):
    labels = []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    return ".".join(labels), at + 1


def _encoded(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _record(kind, value):
    if kind == "SRV":
        priority, weight, port, target = value
        data = struct.pack("!HHH", priority, weight, port) + _encoded(target)
    else:
        data = socket.inet_aton(value)
    # 0xc00c: the name of the question.
    return struct.pack("!HHHIH", 0xC00C, _TYPES[kind], _INTERNET, _TTL, len(data)) + data


@contextlib.contextmanager
def running():
    """The group's resolv.conf, a file of its own (namespace.py), names it from here on."""
    server = NameServer()
    pathlib.Path("/etc/resolv.conf").write_text(
        f"nameserver {_ADDRESS}\noptions timeout:1 attempts:1\n"
    )
    try:
        yield server
    finally:
        server.close()
