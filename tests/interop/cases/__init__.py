# Every group of cases, in the order in which they are started: first the one foreign client that
# speaks [MS-SSEAN].
from . import (
    binding,
    clients,
    control,
    cyrus,
    dotnet,
    kcyrus,
    kdc,
    kdns,
    keytab,
    kgss,
    kserve,
    ksend,
    mit,
    postfix,
    samba,
)

GROUPS = [
    *dotnet.GROUPS,
    *postfix.GROUPS,
    *cyrus.GROUPS,
    *samba.GROUPS,
    *mit.GROUPS,
    *keytab.GROUPS,
    *kdc.GROUPS,
    *kdns.GROUPS,
    *ksend.GROUPS,
    *kserve.GROUPS,
    *kgss.GROUPS,
    *kcyrus.GROUPS,
    *binding.GROUPS,
    *clients.GROUPS,
    *control.GROUPS,
]
