# Which foreign programs are installed here, and what to say where one is not.
import dataclasses
import glob
import os
import shutil
from typing import Callable

SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
JAVA_MAIL = ("/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar")


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str
    package: str  # what to install, as a user reads it
    installed: Callable


def _programs(*names):
    return lambda: all(shutil.which(name, path=SEARCH_PATH) for name in names)


def _files(*patterns):
    return lambda: all(glob.glob(pattern) for pattern in patterns)


def _both(*tests):
    return lambda: all(test() for test in tests)


_ALL = (
    Peer("openssl", "openssl", _programs("openssl")),
    Peer("postfix", "postfix", _programs("postfix", "smtp-sink")),
    Peer(
        "cyrus-sasl",
        "sasl2-bin libsasl2-modules libsasl2-modules-db libsasl2-modules-gssapi-mit",
        _both(
            _programs("saslpasswd2"),
            _files("/usr/lib/*/sasl2/libgssapiv2.so", "/usr/lib/*/sasl2/libntlm.so"),
        ),
    ),
    Peer("cyrus-sasl-dev", "libsasl2-dev", _files("/usr/include/sasl/sasl.h")),
    Peer(
        "gss-ntlmssp",
        "gss-ntlmssp libkrb5-dev",
        _files(
            "/usr/lib/*/gssntlmssp/gssntlmssp.so",
            "/etc/gss/mech.d/mech.ntlmssp.conf",
            "/usr/include/gssapi/gssapi.h",
        ),
    ),
    Peer("faketime", "faketime", _programs("faketime")),
    Peer("krb5-gssapi", "libkrb5-dev", _files("/usr/include/gssapi/gssapi_krb5.h")),
    Peer("heimdal-gssapi", "heimdal-multidev", _files("/usr/include/heimdal/gssapi.h")),
    Peer(
        "samba",
        "samba samba-common-bin winbind",
        _programs("winbindd", "ntlm_auth", "smbpasswd", "wbinfo"),
    ),
    Peer("krb5-user", "krb5-user", _programs("klist", "ktutil", "kinit", "kvno")),
    Peer(
        "krb5kdc",
        "krb5-kdc krb5-admin-server krb5-user",
        _programs("krb5kdc", "kdb5_util", "kadmin.local", "klist"),
    ),
    Peer(
        "heimdal-kdc",  # its programs are fetched, not installed (tools.py)
        "libkdc2-heimdal libkadm5srv8-heimdal libkadm5clnt7-heimdal libgssapi3-heimdal "
        "libkafs0-heimdal libotp0-heimdal libsl0-heimdal libhdb9-heimdal libcap-ng0",
        _both(
            _programs("apt-get", "dpkg-deb"),
            _files("/usr/lib/*/libkdc.so.2*", "/usr/lib/*/libkadm5srv.so.8*", "/usr/lib/*/libhdb.so.9*"),
        ),
    ),
    Peer(
        "dovecot",
        "dovecot-core dovecot-submissiond dovecot-gssapi",
        _both(
            _programs("dovecot", "smtp-sink"),
            _files(
                "/usr/lib/dovecot/submission-login",
                "/usr/lib/dovecot/modules/auth/libmech_gssapi.so",
            ),
        ),
    ),
    Peer(
        "exim",  # it is fetched, not installed (tools.py)
        "libmariadb3 libspf2-2 libpq5 libgnutls-dane0 libnsl2",
        _both(
            _programs("apt-get", "dpkg-deb"),
            _files("/usr/lib/*/libmariadb.so.3", "/usr/lib/libspf2.so.2", "/usr/lib/*/libpq.so.5"),
            _files("/usr/lib/*/libgnutls-dane.so.0", "/usr/lib/*/libnsl.so.2"),
        ),
    ),
    Peer(
        "samba-ad",
        "samba samba-common-bin samba-ad-provision samba-dsdb-modules samba-vfs-modules ldb-tools",
        _both(
            _programs("samba", "samba-tool", "ldbadd", "ldbmodify"),
            _files("/usr/share/samba/setup/ad-schema/*2012_R2*"),
        ),
    ),
    Peer("dotnet", ".NET's SDK, 10.0 or later", _programs("dotnet")),
    Peer("curl", "curl", _programs("curl")),
    Peer("nodemailer", "nodejs npm", _programs("node", "npm")),
    Peer(
        "javamail",
        "libmail-java libactivation-java openjdk-17-jdk-headless",
        _both(_programs("java", "javac"), _files(*JAVA_MAIL)),
    ),
    Peer("msmtp", "msmtp", _programs("msmtp")),
    Peer("gsasl", "gsasl", _programs("gsasl")),
    Peer(
        "swaks",
        "swaks libauthen-ntlm-perl",
        _both(_programs("swaks"), _files("/usr/share/perl5/Authen/NTLM.pm")),
    ),
)
BY_NAME = {peer.name: peer for peer in _ALL}


def missing(names):
    """The first of these peers that is not installed, or None."""
    return next((BY_NAME[name] for name in names if not BY_NAME[name].installed()), None)
