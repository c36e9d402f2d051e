# Which transport a KDC was asked by, as the kernel counts for the namespace. A case that says "by UDP"
# would pass by TCP too, since that is what our client falls back to, and the other way round.
import pathlib

from .case import Failed

TCP, UDP = "tcp", "udp"


class Transports:
    """What came in since this was made: datagrams that reached a socket (what goes to a port where
    nobody listens, as of a name server, is not among them), and connections."""

    def __init__(self):
        self._before = _counts()

    def check(self, transport, kdc, *, others=0):
        """One login at this KDC, and `others` connections that had nothing to do with it. By UDP each
        question is two datagrams, or more where it is asked again, and nobody connects but where the
        answer is too large; by TCP each is a connection. Returns what was seen."""
        datagrams, connections = (now - then for now, then in zip(_counts(), self._before))
        connections -= others
        seen = f"datagrams: {datagrams}, connections: {connections}"
        right = {
            TCP: datagrams == 0 and connections == kdc.questions,
            UDP: datagrams >= 2 * kdc.questions and 0 <= connections <= kdc.too_large_for_udp,
        }
        if not right[transport]:
            raise Failed(f"not by {transport}: {seen}")
        return seen


def _counts():
    return _count("Udp", "InDatagrams"), _count("Tcp", "PassiveOpens")


def _count(protocol, name):
    lines = pathlib.Path("/proc/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith(f"{protocol}:"))
    return int(values[names.index(name)])
