"""Listening: an HTTP or HTTPS server in the event loop, with bounds, and errors that say what to do."""

import errno
import logging
import ssl
from typing import Any

from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from gregaria.errors import CommandError, ExitCode

__all__ = ["Server", "shown_host", "tls_context"]

logger = logging.getLogger("gregaria.web")

#: connections at a time; a page has two
_MOST_CONNECTIONS = 1000
#: seconds that answers under way get when the server ends
_GOODBYE_S = 1.0
_EVERYWHERE = ("", "0.0.0.0", "::")
#: how a TLS connection begins
_TLS_HELLO = "\x16\x03"


class _Handler(WSGIHandler):  # type: ignore[misc]
    """Says what is wrong when somebody asks with https where http is spoken."""

    def read_request(self, raw_requestline: str) -> Any:
        if raw_requestline.startswith(_TLS_HELLO):
            logger.warning(
                "Somebody asked for https at port %d, which speaks http: give --tls-cert and --tls-key, or open the "
                "address with http://",
                self.server.server_port,
            )
        return super().read_request(raw_requestline)


class _Errors:
    """Where gevent writes what clients did wrong: it is of no use but for looking for a mistake."""

    def write(self, text: str) -> None:
        if text.strip():
            logger.debug("%s", text.rstrip())

    def flush(self) -> None:
        """Nothing is held back."""


class Server(WSGIServer):  # type: ignore[misc]
    """A WSGI server.

    Args:
        host: where to listen; an empty one is everywhere.
        port: 0 takes any, which ``server_port`` then tells.
        app: answers.
        tls: speaks TLS with it, if given.
        option: how the options begin that say where to listen, for messages.
    """

    def __init__(self, host: str, port: int, app: Any, tls: ssl.SSLContext | None, option: str = "web") -> None:
        more = {} if tls is None else {"ssl_context": tls}
        super().__init__(
            (host, port),
            app,
            log=None,
            error_log=_Errors(),
            handler_class=_Handler,
            spawn=Pool(_MOST_CONNECTIONS),
            **more,
        )
        self.stop_timeout = _GOODBYE_S
        self._option = option

    def listen(self) -> None:
        """Take the port.

        Raises:
            CommandError: it cannot be taken.
        """
        host, port = self.address
        try:
            self.init_socket()
        except (OSError, OverflowError) as error:
            # gevent puts the address behind the reason.
            reason = str(getattr(error, "strerror", None) or error).partition(": (")[0]
            raise CommandError(
                f"--{self._option}-host and --{self._option}-port: cannot listen on {host or '*'}:{port} ({reason}). "
                f"{self._way_out(getattr(error, 'errno', None))}",
                ExitCode.WEB,
            ) from None

    def _way_out(self, number: int | None) -> str:
        if number == errno.EADDRINUSE:
            return f"Does another run listen there? Choose another port with --{self._option}-port (0 takes any)"
        if number == errno.EACCES:
            return f"Choose another port with --{self._option}-port (0 takes any)"
        return f"--{self._option}-host is an address or a name of this machine; without it, all of them are meant"

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> None:
        """Serve one connection; a client that does not trust the certificate hangs up, which is its own affair."""
        try:
            super().wrap_socket_and_handle(client_socket, address)
        except OSError as error:
            logger.debug("The connection of %s has failed: %s", address, error)


def tls_context(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    """What makes the server speak HTTPS; None when neither file is given.

    Raises:
        CommandError: only one is given, or they cannot be used.
    """
    if not certificate and not key:
        return None
    if not certificate or not key:
        missing = "--tls-key" if certificate else "--tls-cert"
        raise CommandError(f"{missing} is missing: HTTPS needs a certificate and its key", ExitCode.USAGE)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(
            f"--tls-cert {certificate} and --tls-key {key} cannot be used: {error.strerror or error}. Both are PEM "
            "files, and the key is the certificate's",
            ExitCode.USAGE,
        ) from None
    return context


def shown_host(host: str, display_name: str | None) -> str:
    """What stands for the machine in a URL that a person opens.

    Args:
        host: where the server listens.
        display_name: under what name the machine is known; None where nobody has said.
    """
    name = display_name or ("localhost" if host in _EVERYWHERE else host)
    return f"[{name}]" if ":" in name else name
