"""client/tls.py: contexts for a given CA and for a client's own certificate."""

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gregaria.client.tls import context_for

pytestmark = pytest.mark.needs("openssl")


class Certificates:
    """A CA, and what it has signed: ``server`` for 127.0.0.1 and ``client``, each as NAME.pem and NAME.key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem")
        for name, extra in (("server", "-addext subjectAltName=IP:127.0.0.1"), ("client", "")):
            self._openssl(
                f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} {extra} -CA ca.pem -CAkey ca.key"
                f" -keyout {name}.key -out {name}.pem"
            )
        (folder / "both.pem").write_bytes((folder / "client.pem").read_bytes() + (folder / "client.key").read_bytes())
        self._openssl("rsa -in client.key -aes256 -passout pass:secret -out locked.key")

    def __call__(self, name: str) -> str:
        return str(self.folder / name)

    def _openssl(self, arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def port(certificates: Certificates) -> Iterator[int]:
    """A server that tells each client the name in its certificate, or that it has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates("server.pem"), certificates("server.key"))
    context.load_verify_locations(certificates("ca.pem"))
    context.verify_mode = ssl.CERT_OPTIONAL
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(accepted, server_side=True) as connection:
                    subject = dict(pair for (pair,) in (connection.getpeercert() or {}).get("subject", ()))
                    connection.sendall(subject.get("commonName", "nobody").encode())
            except OSError:
                accepted.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def greeted_as(port: int, context: ssl.SSLContext) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as bare,
        context.wrap_socket(bare, server_hostname="127.0.0.1") as connection,
    ):
        return connection.recv(100).decode()


def test_a_given_ca_is_trusted_and_no_other(port: int, certificates: Certificates) -> None:
    assert greeted_as(port, context_for(certificates("ca.pem"))) == "nobody"
    assert greeted_as(port, context_for(certificates.folder / "ca.pem")) == "nobody"
    for untrusting in (context_for(True), context_for(certificates("client.pem"))):
        with pytest.raises(ssl.SSLCertVerificationError):
            greeted_as(port, untrusting)
    assert greeted_as(port, context_for(False)) == "nobody"


def test_a_folder_of_cas_is_taken_as_openssl_keeps_it(port: int, certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Path(certificates("ca.pem")).read_bytes())
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True)
    assert greeted_as(port, context_for(str(tmp_path))) == "nobody"


def test_the_clients_own_certificate_is_shown(port: int, certificates: Certificates) -> None:
    ca, pair = certificates("ca.pem"), (certificates("client.pem"), certificates("client.key"))
    for cert in (pair, list(pair), certificates("both.pem")):
        assert greeted_as(port, context_for(ca, cert)) == "client"  # type: ignore[arg-type]
    assert greeted_as(port, context_for(False, pair)) == "client"


def test_a_context_is_made_once_until_its_files_change(certificates: Certificates, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(certificates("ca.pem")).read_bytes())
    context = context_for(str(path))
    assert context_for(str(path)) is context
    path.write_bytes(Path(certificates("server.pem")).read_bytes())
    os.utime(path, (1, 1))
    again = context_for(str(path))
    assert again is not context
    assert again.get_ca_certs() != context.get_ca_certs()


def test_what_is_wrong_with_the_files_is_said_with_their_names(certificates: Certificates, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    empty = tmp_path / "empty.pem"
    empty.touch()
    for arguments in ((missing,), (True, missing), (True, (certificates("client.pem"), missing))):
        with pytest.raises(FileNotFoundError, match=r"(verify|cert)= names certificates .*missing\.pem"):
            context_for(*arguments)  # type: ignore[arg-type]
    for arguments in ((str(empty),), (True, str(empty)), (True, (certificates("client.pem"), certificates("ca.key")))):
        with pytest.raises(ssl.SSLError, match=r"(verify|cert)= .*(empty\.pem|ca\.key)"):
            context_for(*arguments)  # type: ignore[arg-type]


def test_an_encrypted_key_is_refused_without_asking_on_the_terminal(certificates: Certificates) -> None:
    with pytest.raises(ssl.SSLError, match="encrypted"):
        context_for(True, (certificates("client.pem"), certificates("locked.key")))


def test_the_systems_cas_are_trusted_beside_those_of_requests(
    certificates: Certificates, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificates("ca.pem"))
    # The path only keeps the context apart from the one that other tests share.
    own = certificates("both.pem")
    assert greeted_as(port, context_for(True, own)) == "client"
