"""TLS contexts of the clients: made once per process for each set of certificates."""

import os
import ssl
from functools import lru_cache

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

#: a path as the standard library takes it
Path = str | os.PathLike[str]


def context_for(verify: bool | Path = True, cert: Path | tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A client's context, the same one for the same arguments as long as the files stay as they are.

    Args:
        verify: True checks the server's certificate and name against requests' CA bundle and the system's CAs; the path
            of a file or folder of CA certificates, against those alone; False checks nothing.
        cert: the client's own certificate: one file with its key, or a pair of certificate and key.

    Raises:
        OSError: there is no such file.
        ssl.SSLError: there is no certificate in it, or no key that belongs to it.
    """
    authorities = None if isinstance(verify, bool) or not verify else os.fspath(verify)
    given = () if not cert else tuple(cert) if isinstance(cert, (tuple, list)) else (cert,)
    files = tuple([os.fspath(path) for path in given])
    stamps = [_stamp("cert", path) for path in files]
    if authorities is not None:
        stamps.append(_stamp("verify", authorities))
    return _context(bool(verify), authorities, files, tuple(stamps))


def _stamp(argument: str, path: str) -> int:
    """When a file or folder was last changed."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError as error:
        reason = f"{argument}= names certificates that cannot be read: {error.strerror}"
        raise OSError(error.errno, reason, path) from None


@lru_cache(maxsize=16)
def _context(verify: bool, authorities: str | None, files: tuple[str, ...], stamps: tuple[int, ...]) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    context.check_hostname = verify
    try:
        if authorities is not None:
            kind = "capath" if os.path.isdir(authorities) else "cafile"
            context.load_verify_locations(**{kind: authorities})
        elif verify:
            context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
            context.load_default_certs()
    except ssl.SSLError as error:
        raise ssl.SSLError(f"verify= names a file without certificates: {authorities} ({error})") from error
    try:
        if files:
            context.load_cert_chain(files[0], files[-1], password=_no_password)
    except ssl.SSLError as error:
        raise ssl.SSLError(f"cert= cannot be used: {', '.join(files)} ({error})") from error
    # Only HTTP/1.1 is spoken here.
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """In place of OpenSSL's own question on the terminal, which nobody would answer in the middle of a test."""
    raise ssl.SSLError("the key is encrypted; give one that is not")
