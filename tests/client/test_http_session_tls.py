"""client/requests.py and client/tls.py: https."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from gregaria.client.tls import context_for
from tests.support.echo import Echo, echo_server
from tests.support.http_session import Books, new_session

BOTH_WAYS = pytest.mark.parametrize(
    "way", [{}, {"hooks": {"response": lambda *_, **__: None}}], ids=["engine", "under requests"]
)

pytestmark = pytest.mark.needs("openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    options = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(["openssl", "req", *options.split(), *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture(scope="module")
def secure_echo(certificate: Path) -> Iterator[Echo]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with echo_server(context) as server:
        yield server


@pytest.fixture(scope="module")
def demanding_echo(certificate: Path) -> Iterator[Echo]:
    """One that asks for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate.with_suffix(".crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    with echo_server(context) as server:
        yield server


@pytest.mark.parametrize("where", ["call", "session"])
def test_https_without_verification_takes_the_engine(secure_echo: Echo, books: Books, where: str) -> None:
    with new_session(secure_echo.url, books=books) as session:
        arguments: dict[str, Any] = {"verify": False} if where == "call" else {}
        session.verify = where == "call"
        for _ in range(2):
            response = session.post("/a", json=[1], **arguments)
            assert response.took_engine
            assert response.json()["target"] == "/a"
    assert books.counts() == {"/a": (2, 0, 0)}


@BOTH_WAYS
def test_an_unknown_certificate_is_a_failure_when_certificates_are_verified(
    secure_echo: Echo, books: Books, way: dict[str, Any]
) -> None:
    with new_session(secure_echo.url, books=books) as session:
        response = session.get("/a", **way)
    assert response.took_engine
    assert isinstance(response.error, requests.exceptions.SSLError)
    assert repr(books.failures[0][2]).startswith("CertificateUntrusted(\"the server's certificate is not signed by an")
    assert books.counts() == {"/a": (1, 1, 0)}


@BOTH_WAYS
@pytest.mark.parametrize("where", ["call", "session"])
def test_a_given_ca_is_trusted(secure_echo: Echo, certificate: Path, way: dict[str, Any], where: str) -> None:
    ca = certificate.with_suffix(".crt")
    with new_session(secure_echo.url) as session:
        for trusted in (str(ca), ca):
            if where == "session":
                session.verify = trusted
            for _ in range(2):
                response = session.get("/a", **({"verify": trusted} if where == "call" else {}), **way)
                assert response.took_engine
                assert response.ok
        assert session.get("/a", verify=True, **way).status_code == 0


@BOTH_WAYS
@pytest.mark.parametrize("where", ["call", "session"])
def test_a_certificate_of_ones_own_is_shown(demanding_echo: Echo, certificate: Path, way: Any, where: str) -> None:
    ca, key = str(certificate.with_suffix(".crt")), str(certificate)
    with new_session(demanding_echo.url) as session:
        session.verify = ca
        assert session.get("/a", **way).status_code == 0
        for mine in (str(certificate), (ca, key)):
            if where == "session":
                session.cert = mine
            response = session.get("/a", **({"cert": mine} if where == "call" else {}), **way)
            assert response.took_engine
            assert response.ok, response.error
        redirected = session.get("/status/302?to=/b", cert=mine, **way)
        assert redirected.json()["target"] == "/b"


@BOTH_WAYS
def test_files_that_are_not_there_are_the_locustfiles_mistake(secure_echo: Echo, books: Books, way: Any) -> None:
    with new_session(secure_echo.url, books=books) as session:
        for arguments in ({"verify": "/no/such.pem"}, {"cert": "/no/such.pem"}):
            with pytest.raises(FileNotFoundError, match=r"such\.pem"):
                session.get("/a", **arguments, **way)
        response = session.get("/a", verify=__file__, **way)
        assert isinstance(response.error, requests.exceptions.SSLError)
        assert "test_http_session_tls.py" in str(response.error)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verification_stays_off_along_a_chain_of_redirects(secure_echo: Echo, echo: Echo, books: Books) -> None:
    with new_session(echo.url, books=books) as session:
        response = session.get("/status/302", params={"to": secure_echo.url + "/end"}, verify=False, name="chain")
        assert response.took_engine
        assert response.url == secure_echo.url + "/end"
        again = session.get("/status/302", params={"to": secure_echo.url + "/end"}, name="checked")
        assert isinstance(again.error, requests.exceptions.SSLError)
    assert books.counts() == {"chain": (1, 0, 0), "checked": (1, 1, 0)}


def test_contexts_are_made_once_and_verify_as_told() -> None:
    assert context_for(True) is context_for(True)
    assert context_for(True).verify_mode is ssl.CERT_REQUIRED
    assert context_for(True).check_hostname
    assert context_for(False).verify_mode is ssl.CERT_NONE


@BOTH_WAYS
def test_the_environment_names_a_ca_only_when_it_is_trusted(
    secure_echo: Echo, certificate: Path, way: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    with new_session(secure_echo.url) as session:
        assert isinstance(session.get("/a", **way).error, requests.exceptions.SSLError)
        session.trust_env = True
        response = session.get("/a", **way)
        assert response.took_engine
        assert response.ok


@BOTH_WAYS
def test_a_connection_that_was_open_took_no_time_to_make(secure_echo: Echo, way: dict[str, Any]) -> None:
    with new_session(secure_echo.url) as session:
        first, second = (session.get("/a", verify=False, **way).phases for _ in range(2))
    assert first is not None
    assert second is not None
    assert min(first.connect_us, first.tls_us, first.first_byte_us) > 0
    assert second[:3] == (0, 0, 0)
    assert second.first_byte_us > 0
