# Two peers against each other: the tokens until both are established, then keys and protected
# messages compared.
import contextlib

from .case import Failed
from .tokens import Refused

MAX_ROUNDS = 10
MESSAGES = (
    b"first message",
    b"x",
    bytes(range(256)) * 5,
)  # none is empty: gss-ntlmssp refuses to wrap nothing


def establish(initiator, acceptor, sent=None):
    """Carries tokens to and fro. Returns them in the order sent (also in `sent`); Refused where a
    peer refuses one."""
    sent = [] if sent is None else sent
    step = initiator.step(b"")
    for _ in range(MAX_ROUNDS):
        sent.append(step.token or b"")
        answer = acceptor.step(step.token or b"")
        if answer.token is not None:
            sent.append(answer.token)
        if step.established and answer.established and answer.token is None:
            return sent
        if answer.token is None and not answer.established:
            raise Failed(f"{acceptor.side} has nothing to say and is not established")
        if answer.token is None:
            raise Failed(
                f"{initiator.side} still waits for a token, {acceptor.side} is established"
            )
        if step.established:
            raise Failed(f"{acceptor.side} sent a token to {initiator.side}, which is established")
        step = initiator.step(answer.token)
        if step.established and step.token is None:
            if not answer.established:
                raise Failed(f"{initiator.side} is established without {acceptor.side}")
            return sent
    raise Failed(f"not established after {MAX_ROUNDS} rounds")


def establish_sasl(client, server):
    """Carries SASL tokens to and fro until the server reports success."""
    challenge = b""
    for _ in range(MAX_ROUNDS):
        response = client.step(challenge).token or b""
        answer = server.step(response)
        if answer.established and answer.token is None:
            return client.done()
        challenge = answer.token or b""
    raise Failed(f"not established after {MAX_ROUNDS} rounds")


def exchange_buffers(client, server, largest=None, *, sealed=True):
    """Messages through the security layer, both ways; then an altered one each way. No buffer is
    above `largest`, in octets with its length. They are seen to be `sealed`, or not: Kerberos'
    integrity leaves them as they are, NTLM's does not."""
    for message in (b"EHLO client.example.test\r\n", b"x", bytes(range(256)) * 200):
        for sender, receiver in ((client, server), (server, client)):
            wire = sender.wrap(message)
            if len(message) > 8 and (message[:200] not in wire) != sealed:
                raise Failed(f"{sender.side} wrapped {'without' if sealed else 'with'} sealing")
            if largest and max(_buffer_sizes(wire)) > largest:
                raise Failed(f"{sender.side} sent a buffer of {max(_buffer_sizes(wire))} octets")
            if receiver.unwrap(wire) != message:
                raise Failed(f"{receiver.side} unwrapped something else")
    for sender, receiver in ((client, server), (server, client)):
        wire = bytearray(sender.wrap(b"altered on its way"))
        wire[-1] ^= 1
        try:
            receiver.unwrap(bytes(wire))
        except Refused:
            continue
        raise Failed(f"{receiver.side} took a buffer of {sender.side} with a bit flipped")


def _buffer_sizes(wire):
    while wire:
        size = 4 + int.from_bytes(wire[:4], "big")
        yield size
        wire = wire[size:]


def refused(initiator, acceptor, *, by=None, after=3):
    """The Refused that the exchange must end in: by this side (the acceptor unless told), once
    `after` tokens were sent."""
    sent = []
    try:
        establish(initiator, acceptor, sent)
    except Refused as refusal:
        if refusal.side != (by or acceptor).side or len(sent) != after:
            raise Failed(f"the wrong refusal, after {len(sent)} tokens: {refusal}") from None
        return refusal
    raise Failed("established, and must not be")


def compare_keys(initiator, acceptor):
    ours, theirs = initiator.session_key(), acceptor.session_key()
    if ours != theirs:
        raise Failed(
            f"session keys differ: {initiator.side} {ours.hex()}, {acceptor.side} {theirs.hex()}"
        )
    if len(ours) not in (16, 32) or ours == bytes(len(ours)):
        raise Failed(f"no real session key: {ours.hex()}")


def compare_pseudo_random(initiator, acceptor, keys=(False, True)):
    """GSS_Pseudo_random of both, under the full key (False) and the partial one (True)."""
    for partial in keys:
        for message in MESSAGES:
            ours, theirs = (
                side.pseudo_random(partial, message) for side in (initiator, acceptor)
            )
            if ours != theirs or len(ours) != 64:
                raise Failed(
                    f"pseudo-random octets differ (partial: {partial}): {initiator.side} {ours.hex()},"
                    f" {acceptor.side} {theirs.hex()}"
                )


def exchange_messages(initiator, acceptor, *, signed=False, back=True):
    """Wrap and MIC both ways, several of each so that sequence numbers and cipher states must
    agree; then altered ones. With `signed` wraps that do not seal too: NTLM has none. Without `back`
    only what the initiator sends."""
    ways = ((initiator, acceptor), (acceptor, initiator))[: 2 if back else 1]
    for message in MESSAGES:
        for sender, receiver in ways:
            _wrapped(sender, receiver, message)
            receiver.verify(message, sender.mic(message))
            if signed and receiver.unwrap(sender.sign(message)) != message:
                raise Failed(f"{receiver.side} unwrapped something else than {sender.side} signed")
    for sender, receiver in ways:
        _altered(sender, receiver)


def _wrapped(sender, receiver, message):
    token = sender.wrap(message)
    if len(message) > 8 and message in token:  # fewer octets may well be there by chance
        raise Failed(f"{sender.side} wrapped without sealing")
    if receiver.unwrap(token) != message:
        raise Failed(f"{receiver.side} unwrapped something else than {sender.side} wrapped")


def _altered(sender, receiver):
    mic = bytearray(sender.mic(b"message"))
    mic[-5] ^= 1  # in the checksum, before the sequence number
    try:
        receiver.verify(b"message", bytes(mic))
    except Refused:
        return
    raise Failed(f"{receiver.side} took a MIC of {sender.side} with a bit flipped")


@contextlib.contextmanager
def closing(*peers):
    try:
        yield peers
    finally:
        for peer in peers:
            peer.close()
