"""What the system, the resolver and TLS report, as errors that read the same everywhere."""

import errno
import ssl

from gregaria import errors

#: limits of this machine, and what raises them
_OWN_LIMITS = {
    errno.EMFILE: (
        "this process may not open more files, and each connection is one: raise the limit with `ulimit -n 65536` "
        "before the start (systemd: LimitNOFILE=, Docker: --ulimit nofile=65536), or use fewer users per process"
    ),
    errno.ENFILE: "this machine may not open more files: raise it with `sysctl fs.file-max`",
    errno.EADDRNOTAVAIL: (
        "this machine has no local port left for another connection to this address: keep connections alive, widen the "
        "range with `sysctl net.ipv4.ip_local_port_range='1024 65535'`, or use more machines (an IPv6 target "
        "also needs an IPv6 address here)"
    ),
    errno.ENOBUFS: (
        "this machine has no memory left for network buffers: raise `sysctl net.ipv4.tcp_mem`, or use fewer users"
    ),
    errno.ENOSPC: (
        "this machine may not watch more sockets: raise `sysctl fs.epoll.max_user_watches`, or use fewer users"
    ),
    errno.ENOMEM: "this machine has no memory left: use fewer users, or a larger machine",
}

_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN}
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}

#: OpenSSL's X509_V_ERR_... (x509_vfy.h), those that say which of our classes it is
_NOT_NOW = {9, 10}
_OTHER_HOST = {62, 63, 64}
_NOT_TRUSTED = {18, 19, 20, 21, 22, 27}


def of_system(error: OSError) -> OSError:
    """An error of the operating system as ours, where we have a class for it; else itself."""
    if isinstance(error, (errors.TransferError, errors.GeneratorError)):
        return error
    code = error.errno
    if code in _OWN_LIMITS:
        return errors.GeneratorError(_OWN_LIMITS[code])
    if code == errno.ECONNREFUSED:
        return refused("there")
    if code in _RESET:
        return errors.ConnectionReset("the server reset the connection")
    if code in _UNREACHABLE:
        return errors.HostUnreachable(f"no way to the host: {error.strerror}")
    if code == errno.ETIMEDOUT:
        return errors.ConnectTimeout("the system gave up on the connection: nobody answered")
    return error


def refused(place: str) -> errors.ConnectionRefused:
    """What a connection that was refused is, with where that was."""
    return errors.ConnectionRefused(f"nothing listens {place} (the connection was refused)")


def no_memory() -> errors.GeneratorError:
    """What a MemoryError on the way of a request is."""
    return errors.GeneratorError(_OWN_LIMITS[errno.ENOMEM])


def of_tls(error: ssl.SSLError, host: str | None) -> errors.TLSError:
    """An error of OpenSSL as ours.

    Args:
        error: what Python raised.
        host: whom the certificate should have named.
    """
    if isinstance(error, errors.TLSError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message.rstrip(".")
        code = error.verify_code
        if code in _NOT_NOW:
            return errors.CertificateExpired(f"the server's certificate is not valid now: {said}")
        if code in _OTHER_HOST:
            return errors.CertificateForOtherHost(f"the server's certificate is not for {host!r}")
        if code in _NOT_TRUSTED:
            return errors.CertificateUntrusted(
                f"the server's certificate is not signed by an authority that is known here: {said}"
            )
        return errors.CertificateError(f"the server's certificate was not accepted: {said}")
    # One that Python code has raised has no reason.
    name = getattr(error, "reason", None) or ""
    reason = name.replace("_", " ").lower()
    if name in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"):
        return errors.TLSError(f"the server does not speak TLS on this port ({reason})")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return errors.TLSError("the server cut the TLS handshake short (it closed the connection)")
    return errors.TLSError(f"TLS failed: {reason or error}")
