# Kerberos at our server: foreign clients with tickets of MIT's krb5kdc, bare and inside SPNEGO, all
# under the one GSSAPI; each is also turned away where the keys, the realm or the tickets are wrong.
import contextlib
import dataclasses
import shutil
from typing import Callable

from harness import accounts, certificate, clients, relay
from harness.case import Group
from harness.clock import WRONG
from harness.kdc import REALM, SERVICE, MitKdc
from harness.kdc import running as kdc_running
from harness.keytab import add_keys
from harness.login import admitted, not_sent, turned_away
from harness.send import secret_file
from harness.serve import Serve
from harness.serve import running as serve_running

ACCOUNT = f"{accounts.USER}@{REALM}"
SMTPSVC = f"SMTPSVC/{accounts.HOST}"  # quirk A21: what .NET asks for
HTTP = f"HTTP/{accounts.HOST}"  # no mail service, in the key table all the same
ELSEWHERE = "smtp/elsewhere.example.test"  # not in the key table
SPNEGO, BARE = "{}/Kerberos", "{}-KRB5/Kerberos"  # as the log calls them
NO_PERMISSION = 77  # EX_NOPERM of sysexits.h
GOOD, EXPIRED, MISSING = "tickets", "expired-tickets", "no-tickets"
FIRST, FRESH = "first-ticket", "fresh-tickets"  # the KDC's own alone, and a copy that a client adds to


class Peers:
    def __init__(self, tools, kdc, folder):
        self.tools, self.kdc, self._folder = tools, kdc, folder
        self.servers, self.relay, self.authority = {}, None, None
        self.keytab = self._own_keytab()

    def ccache(self, tickets):
        return self._folder / tickets

    def environment(self, tickets):
        return {**self.kdc.environment, "KRB5CCNAME": f"FILE:{self.ccache(tickets)}"}

    def get_tickets(self):
        for tickets, more in ((GOOD, ()), (EXPIRED, ("-l", "1s"))):
            self.kdc.run(
                "kinit", "-c", str(self.ccache(tickets)), *more, ACCOUNT, stdin=accounts.PASSWORD
            )
        shutil.copy(self.ccache(GOOD), self.ccache(FIRST))
        self.kdc.run("kvno", "-c", self.ccache(GOOD), SERVICE)  # without --kdc `send` asks no KDC

    def renew(self):
        """In FRESH is no ticket for a service, so that who has it must ask for one."""
        shutil.copy(self.ccache(FIRST), self.ccache(FRESH))

    def password_file(self, password=accounts.PASSWORD):
        return secret_file(self._folder, password)

    def user_keytab(self):
        path = self._folder / "user.keytab"
        if not path.exists():
            self.kdc.keytab(path, accounts.USER)
        return path

    def wrong_user_keytab(self):
        path = self._folder / "wrong-user.keytab"
        if not path.exists():
            add_keys(self.tools, path, [ACCOUNT], password=accounts.WRONG_PASSWORD)
        return path

    def _own_keytab(self):
        path = self._folder / "service.keytab"
        self.kdc.keytab(path, SERVICE, SMTPSVC, HTTP)
        path.chmod(0o600)  # as `serve` wants it
        return path

    def other_keytab(self):
        names = [f"{service}@{REALM}" for service in (SERVICE, SMTPSVC)]
        return add_keys(self.tools, self._folder / "other.keytab", names)

    def serve(self, name, keytab, *options, users=False, **more):
        options = ("--keytab", keytab, *options)
        return Serve(self.tools, self._folder, name, *options, users=users, **more)


@contextlib.contextmanager
def _servers(state, tools):
    kdc = MitKdc(state / "kdc")
    kdc.create()
    kdc.add_user(accounts.USER)
    for service in (SERVICE, SMTPSVC, HTTP, ELSEWHERE):
        kdc.add_service(service)
    with kdc_running(kdc):
        peers = Peers(tools, kdc, state)
        peers.get_tickets()
        tls = certificate.make(state / "tls")
        peers.authority = tls.authority
        own, other = peers.keytab, peers.other_keytab()
        with (
            serve_running(
                peers.serve("first", own, "--first-start"),
                peers.serve("again", own),
                peers.serve("tls", own, "--first-start", tls=tls),
                peers.serve("wrong-key", other, "--first-start"),
                peers.serve("wrong-realm", own, "--first-start", "--realms", "OTHER.TEST"),
                peers.serve("both", own, "--first-start", users=True),
                peers.serve("both-wrong-key", other, "--first-start", users=True),
            ) as peers.servers,
            _relay(state / "relay", kdc) as peers.relay,
        ):
            yield peers


@contextlib.contextmanager
def _relay(folder, kdc):
    """The other clients do without Postfix."""
    from harness import peers

    if peers.missing(("postfix", "cyrus-sasl")):
        yield None
    else:
        with relay.running(folder, kdc.conf) as running:
            yield running


group = Group("kserve", _servers)
GROUPS = [group]


@dataclasses.dataclass(frozen=True)
class Client:
    """`make` takes the peers and the name of the tickets; `logged` is what the log calls its logins;
    `mutual`: it asks for mutual authentication; `mails`: it does not only log in; `service` is what it
    asks the KDC for."""

    name: str
    needs: tuple
    make: Callable
    mechanism: str = "GSSAPI"
    logged: str = BARE
    mutual: bool = True
    mails: bool = True
    service: str = SERVICE


def _dotnet(kind):
    return lambda peers, tickets: clients.dotnet(kind, environment=peers.environment(tickets))


def _pocketgss(mechanism):
    def make(peers, tickets):
        kdc = ("--kdc", peers.kdc.address) if tickets == FRESH else ()
        return clients.pocketgss(mechanism, "--ccache", peers.ccache(tickets), *kdc)

    return make


def _curl(peers, tickets, *options):
    return clients.curl(
        ACCOUNT, *options, mechanism="GSSAPI", environment=peers.environment(tickets)
    )


CLIENTS = (
    *(
        Client(name, ("dotnet",), _dotnet(kind), "gssapi", SPNEGO, mutual=False, service=SMTPSVC)
        for name, kind in (
            ("SmtpClient", "smtpclient-tickets"),
            ("SmtpClient-managed-SPNEGO", "smtpclient-tickets-managed"),
        )
    ),
    # quirk A28, of JavaMail A30: without an AP-REP the layer offer is the first 334
    Client("MailKit", ("dotnet",), _dotnet("mailkit-gssapi"), mutual=False, service=SMTPSVC),
    Client(
        "JavaMail",
        ("javamail",),
        lambda peers, tickets: clients.javamail_by("GSSAPI", peers.environment(tickets)),
        mutual=False,
    ),
    Client("curl", ("curl",), _curl, mutual=False),
    Client(
        "msmtp",
        ("msmtp",),
        lambda peers, tickets: clients.msmtp_by("gssapi", peers.environment(tickets)),
    ),
    Client(
        "gsasl",
        ("gsasl",),
        lambda peers, tickets: clients.gsasl(peers.environment(tickets)),
        mails=False,
    ),
    Client(
        "Postfix",
        ("postfix", "cyrus-sasl"),
        lambda peers, tickets: peers.relay.client(peers.ccache(tickets)),
    ),
    Client("send", (), _pocketgss("GSSAPI"), logged=SPNEGO),
    Client("send-GSS-SPNEGO", (), _pocketgss("GSS-SPNEGO"), "GSS-SPNEGO", SPNEGO),
    Client("send-GSSAPI-KRB5", (), _pocketgss("GSSAPI-KRB5")),
)


def _in(peers, client, server="first", tickets=GOOD):
    login = admitted(
        peers.tools,
        peers.servers[server],
        client.make(peers, tickets),
        client.mechanism,
        account=ACCOUNT,
        logged=client.logged.format(client.mechanism.upper()),
        mails=client.mails,
    )
    return login, f"user={login.log_line.partition('user=')[2].partition(' from=')[0]}"


def _asks(peers, client):
    """It asks for a ticket of its service, of all that the key table has, and gets in with it."""
    peers.renew()
    start = peers.kdc.log_size()
    login, seen = _in(peers, client, tickets=FRESH)
    services, right = peers.kdc.services_since(start, accounts.USER), f"{client.service}@{REALM}"
    if services != [right]:
        login.fail(f"a ticket for {' and '.join(services) or 'no service'}, not for {right}")
    return f"{seen}, ticket for {client.service}"


def _out(peers, client, server, *words):
    reason = turned_away(
        peers.tools, peers.servers[server], client.make(peers, GOOD), accounts.PASSWORD, words
    )
    return f"535, log: {reason}"


def _register(client):
    needs = ("krb5kdc", *client.needs)

    @group.case(client.name, needs=needs)
    def right(peers):
        return f"in, {_asks(peers, client)}"

    @group.case(f"{client.name}-wrong-key", needs=needs)
    def wrong_key(peers):
        return _out(peers, client, "wrong-key", "refused", "Ticket.enc-part")

    @group.case(f"{client.name}-wrong-realm", needs=needs)
    def wrong_realm(peers):
        return _out(peers, client, "wrong-realm", "P13: a client of another realm")

    @group.case(f"{client.name}-after-a-restart", needs=needs)
    def restart(peers):
        """Row KRA-11: those that do not ask for mutual authentication must wait."""
        if client.mutual:
            return f"in at once, {_in(peers, client, 'again')[1]}"
        return _out(peers, client, "again", "P17: the replay cache cannot tell yet")

    @group.case(f"{client.name}-without-valid-tickets", needs=needs)
    def no_tickets(peers):
        for tickets in (MISSING, EXPIRED):
            login = not_sent(
                peers.tools, peers.servers["first"], client.make(peers, tickets)
            )
            if login.tap.replies(235):
                login.fail(f"let in with {tickets}")
        return "not sent: without tickets, with expired ones"


for _client in CLIENTS:
    _register(_client)


# `send` gets its tickets by itself, and binds the login to the TLS channel.


def _sender(peers, *options, clock=None):
    return clients.pocketgss(
        *("GSSAPI", "--tls", "starttls", "--ca", peers.authority, "--channel-binding", "require"),
        *("--user", ACCOUNT, "--kdc", peers.kdc.address, *options),
        clock=clock,
    )


def _bound(peers, client):
    """It is in, bound to the channel."""
    server = peers.servers["tls"]
    login = admitted(
        *(peers.tools, server, client, "GSSAPI"), tls=True, account=ACCOUNT, logged=SPNEGO
    )
    if "channel-bound=yes" not in login.log_line:
        login.fail("not bound to the channel")
    return login


def _without_ticket(peers, client):
    """The KDC refuses it, so it does not even connect."""
    login = not_sent(peers.tools, peers.servers["tls"], client, accounts.WRONG_PASSWORD)
    if login.outcome.code != NO_PERMISSION or login.tap.lines():
        login.fail(f"exit code {login.outcome.code}")
    return f"exit code {login.outcome.code}: {login.outcome.last_line()[:100]}"


def _register_send(name, options, wrong, wrong_name, clock=None):
    needs = ("krb5kdc", "openssl", *(("faketime",) if clock else ()))

    @group.case(f"send-{name}-starttls", needs=needs)
    def sends(peers):
        login = _bound(peers, _sender(peers, *options(peers), clock=clock))
        if clock and "the clock is corrected by " not in login.outcome.output:
            login.fail("the clock was not corrected")
        return login.log_line.partition("mechanism=")[2]

    @group.case(f"send-{name}-starttls-wrong-{wrong_name}", needs=needs)
    def refused(peers):
        return _without_ticket(peers, _sender(peers, *wrong(peers), clock=clock))


def _password(password=accounts.PASSWORD):
    return lambda peers: ("--password-file", peers.password_file(password))


_WITH_PASSWORD = (_password(), _password(accounts.WRONG_PASSWORD), "password")
_register_send("password", *_WITH_PASSWORD)
_register_send(
    "keytab",
    lambda peers: ("--keytab", peers.user_keytab()),
    lambda peers: ("--keytab", peers.wrong_user_keytab()),
    "key",
)
for _name, _clock in WRONG.items():  # the KDC's time corrects it (P16)
    _register_send(f"clock-{_name}", *_WITH_PASSWORD, _clock)


def _register_tls(name, needs, make, mechanism, logged):
    @group.case(f"{name}-starttls", needs=("krb5kdc", "openssl", *needs))
    def sends(peers):
        login = admitted(
            *(peers.tools, peers.servers["tls"], make(peers), mechanism),
            tls=True,
            account=ACCOUNT,
            logged=logged.format(mechanism),
        )
        return login.log_line.partition("mechanism=")[2]


_register_tls(
    *("curl", ("curl",)),
    lambda peers: _curl(peers, GOOD, "--ssl-reqd", "--cacert", str(peers.authority)),
    *("GSSAPI", BARE),
)
for _kind, _name, _logged in (
    ("smtpclient-tickets", "SmtpClient", SPNEGO),
    ("mailkit-gssapi", "MailKit", BARE),
):
    _register_tls(
        *(_name, ("dotnet",)),
        lambda peers, kind=_kind: clients.dotnet(kind, peers.authority, peers.environment(GOOD)),
        *("GSSAPI", _logged),
    )


@group.case("curl-other-authorisation-identity", needs=("krb5kdc", "curl"))
def _authzid(peers):
    client = _curl(peers, GOOD, "--sasl-authzid", "bob")
    reason = turned_away(
        peers.tools, peers.servers["first"], client, accounts.PASSWORD, ("refused", "authzid")
    )
    return f"535, log: {reason}"


# A server with accounts too takes NTLM and Kerberos on one port, and whom the one refuses the other
# does not let in.
OFFERED = "AUTH GSSAPI GSS-SPNEGO NTLM"
WRONG_NTLM = ("refused", accounts.USER, "wrong user, password or MIC")
NTLM_USER = f"{accounts.DOMAIN}\\{accounts.USER}"


def _in_by(peers, client, mechanism, logged, server="both", account=accounts.USER):
    server = peers.servers[server]
    login = admitted(peers.tools, server, client, mechanism, account=account, logged=logged)
    if not any(OFFERED in line for line in login.tap.lines("S")):
        login.fail("not both are offered")
    return login.log_line.partition("mechanism=")[2].partition(" from=")[0]


def _out_by(peers, client, password, *words, server="both"):
    return turned_away(peers.tools, peers.servers[server], client, password, words)


@group.case("curl-NTLM-and-Kerberos-on-one-port", needs=("krb5kdc", "curl"))
def _curl_both(peers):
    ntlm, tickets = clients.curl(NTLM_USER), _curl(peers, GOOD)
    details = [
        "in: " + _in_by(peers, ntlm, "NTLM", "NTLM/NTLM"),
        _in_by(peers, tickets, "GSSAPI", BARE.format("GSSAPI"), account=ACCOUNT),
    ]
    wrong = accounts.WRONG_PASSWORD
    reason = _out_by(peers, ntlm, wrong, *WRONG_NTLM)
    details.append(f"535 for a wrong password: {reason}")
    login = not_sent(peers.tools, peers.servers["both"], _curl(peers, MISSING), wrong)
    if login.tap.replies(235):
        login.fail("in without tickets")
    # Where the key is wrong, Kerberos alone is out.
    words = ("refused", "Ticket.enc-part")
    reason = _out_by(peers, tickets, accounts.PASSWORD, *words, server="both-wrong-key")
    _in_by(peers, ntlm, "NTLM", "NTLM/NTLM", server="both-wrong-key")
    details.append(f"for a ticket of another key: {reason}, and NTLM in")
    return ", ".join(details)


@group.case("send-NTLM-and-Kerberos-on-one-port", needs=("krb5kdc",))
def _send_both(peers):
    """Both inside SPNEGO: the server chooses by the client's offer."""

    def client(user, *options, password=accounts.PASSWORD):
        secret = ("--password-file", peers.password_file(password))
        return clients.pocketgss("GSSAPI", "--user", user, *secret, *options)

    kdc = ("--kdc", peers.kdc.address)
    offers = (
        (NTLM_USER, ("--inner", "ntlm"), "{}/NTLM", accounts.USER),
        (ACCOUNT, kdc, SPNEGO, ACCOUNT),
        (ACCOUNT, (*kdc, "--inner", "kerberos,ntlm"), SPNEGO, ACCOUNT),
    )
    details = [
        _in_by(peers, client(user, *options), "GSSAPI", logged, account=account)
        for user, options, logged, account in offers
    ]
    wrong = accounts.WRONG_PASSWORD
    ntlm = client(NTLM_USER, "--inner", "ntlm", password=wrong)
    reason = _out_by(peers, ntlm, wrong, *WRONG_NTLM)
    for inner in ("kerberos", "kerberos,ntlm"):
        refused = client(ACCOUNT, *kdc, "--inner", inner, password=wrong)
        login = not_sent(peers.tools, peers.servers["both"], refused, wrong)
        if login.outcome.code != NO_PERMISSION or login.tap.auth_commands():
            login.fail(f"--inner {inner}: exit code {login.outcome.code}")
    return f"in: {', '.join(details)}; wrong passwords: 535, {reason}; {NO_PERMISSION} before any AUTH"


def _register_other_service(name, spn, *words):
    for mechanism in ("GSSAPI", "GSSAPI-KRB5"):

        @group.case(f"send-{mechanism}-{name}", needs=("krb5kdc",))
        def other(peers, mechanism=mechanism):
            """A right ticket of the right user, for a service that our server is not (P13)."""
            client = clients.pocketgss(
                *(mechanism, "--user", ACCOUNT, "--kdc", peers.kdc.address, "--spn", spn),
                *("--password-file", peers.password_file()),
            )
            server = peers.servers["first"]
            reason = turned_away(peers.tools, server, client, accounts.PASSWORD, ("refused", *words))
            return f"535, log: {reason}"


_register_other_service("ticket-of-another-host", ELSEWHERE)
_register_other_service("ticket-of-another-service-with-a-key", HTTP)
