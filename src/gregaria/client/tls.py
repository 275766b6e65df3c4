"""TLS contexts for HttpUser: as requests makes them, but once per process."""

import ssl
from functools import lru_cache

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context


@lru_cache(maxsize=2)
def context_for(verify: bool) -> ssl.SSLContext:
    """A client's context; with ``verify`` the server's certificate and name are checked against requests' CA bundle."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    context.check_hostname = verify
    if verify:
        context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    # Only HTTP/1.1 is spoken here.
    context.set_alpn_protocols(["http/1.1"])
    return context
