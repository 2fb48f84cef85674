"""The configuration: one TOML file, and `SEALAUTHZ_…` variables that win over it. Read once, by the composition root.

    [server]                                        SEALAUTHZ_SERVER__LISTEN
    listen = "127.0.0.1:8443"
    tls_certificate = "server.pem"                  # relative to the file
    tls_key = "server.key"
    client_ca = ["mesh-ca.pem"]                     # then each connection shows a certificate, and is its caller's

    [http]
    listen = "127.0.0.1:8080"                       # the RPCs over HTTP and JSON, with the same TLS; without it, not

    [database]
    url = "sqlite:///sealauthz.db"                  # SEALAUTHZ_DATABASE__URL

    [facts]
    memory_mb = 512                                 # for what is loaded; SEALAUTHZ_FACTS__MEMORY_MB
    max_age_s = 5.0                                 # of what answers from memory

    [policies]
    folder = "policies"                             # relative to the file; without it, the installed policies
    source = "store"                                # what is activated goes over the folder; or "folder": it does not
    signers = ["security.pem"]                      # public keys: one of them must have signed what is activated

    [metrics]
    listen = "127.0.0.1:9464"                       # where they are collected; without it, nothing is measured

    [receipts]
    issuer = "https://authz.example"                # who signs, as the receipts say
    keys = ["receipts.pem"]                         # the first signs, the others are published beside it

    [audit]
    name = "authz.example/log"                      # of the log of decisions, as its checkpoints say
    key = "log.pem"                                 # signs its checkpoints

    [assertions]
    audience = "https://authz.example"              # the service, as signed assertions of persons name it
    [assertions.issuers."https://id.example"]       # who may sign for persons
    keys = "id-keys.json"                           # its public keys: a JSON Web Key Set, each key with its `alg`
    callers = ["signing"]                           # who may forward them; without it, every caller

    [jwt.issuers."https://login.example"]           # who may issue tokens of callers
    keys = "https://login.example/jwks.json"        # or a file
    audience = "https://authz.example"              # the service, as the tokens name it

    [callers.signing]                               # SEALAUTHZ_CALLERS has all of them, as TOML or JSON
    token_sha256 = "9f86d081…"                      # hexadecimal SHA-256 of a random token of 32 characters or more,
                                                    # or a list of them; or in a file: token_sha256_file
    jwt = { issuer = "https://login.example", subject = "signing" }
    spiffe = "spiffe://example/signing"             # of its certificate, with `client_ca`
    rpcs = ["AuthorizationService/Authorize"]       # or "*"
    enterprises = ["E1"]                            # or "*"
    read = { Seal = ["name", "state"], Person = "*" }
    write = { SealHold = "*" }
    performs = ["use", "Enterprise/join"]           # or "*"; on every type, or on one
    sees_operator_reasons = false
    share = 0.5                                     # the part of all calls that may be its own at once
    calls_per_s = 100                               # how fast it may ask

What a caller is not given it does not have. Unknown names are errors that name them.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealauthz.config.callers import CallerSection
    from sealauthz.config.loading import Problem, database_in, load, read
    from sealauthz.config.names import CONFIG_FILE, OTHER_NAMES, PREFIX, file_of
    from sealauthz.config.sections import (
        MAX_WORKERS,
        AssertionIssuerSection,
        AssertionsSection,
        AuditSection,
        Config,
        DatabaseSection,
        FactsSection,
        HttpSection,
        MetricsSection,
        PoliciesSection,
        ReceiptsSection,
        ServerSection,
        TracesSection,
    )

__all__ = [
    "CONFIG_FILE",
    "MAX_WORKERS",
    "OTHER_NAMES",
    "PREFIX",
    "AssertionIssuerSection",
    "AssertionsSection",
    "AuditSection",
    "CallerSection",
    "Config",
    "DatabaseSection",
    "FactsSection",
    "HttpSection",
    "MetricsSection",
    "PoliciesSection",
    "Problem",
    "ReceiptsSection",
    "ServerSection",
    "TracesSection",
    "database_in",
    "file_of",
    "load",
    "read",
]

_MODULES = {
    "sections": __all__,
    "callers": ["CallerSection"],
    "loading": ["Problem", "database_in", "load", "read"],
    "names": ["CONFIG_FILE", "OTHER_NAMES", "PREFIX", "file_of"],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
"""The later one counts."""


# Each name is loaded when it is first used: a command that asks needs two settings, and none of what checks them.
def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module `{__name__}` has no `{name}`")
    found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found
