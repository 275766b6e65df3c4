"""Listening: ports, paths, TLS, and what is said when it cannot be."""

import re
import socket
import ssl
from pathlib import Path

import pytest
import requests

from gregaria.engine.names import is_loopback
from gregaria.errors import CommandError, ExitCode
from gregaria.web.server import tls_context
from tests.support.certificates import Authority
from tests.support.servers import Server
from tests.web.conftest import Starter


def test_one_line_says_where_it_is_and_an_interrupt_ends_it(starter: Starter) -> None:
    site = starter.start()
    assert site.end() == 0
    assert sum("Starting web interface at" in line for line in site.log) == 1


def test_a_taken_port_is_refused_with_the_option(starter: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        site = starter.begin("-f", "shop.py", "--web-host", "127.0.0.1", "--web-port", str(port))
        assert site.end(None) == ExitCode.WEB
    assert re.search(rf"--web-port.*cannot listen on 127.0.0.1:{port} .*--web-port \(0 takes any\)", "".join(site.log))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--web-port", "70000"), "70000 is no port"),
        (("--web-base-path", "load"), "--web-base-path load: it begins with a slash"),
        (("--autoquit", "3"), "--autoquit needs --autostart"),
        (("--tls-cert", "a.pem"), "--tls-key is missing"),
        (("--runs-dir", "shop.py"), "--runs-dir"),
        (("--build-path", "nowhere"), "--build-path nowhere: there is no index.html"),
        (("--web-cors-origin", "example.com"), "--web-cors-origin example.com: it is scheme and host"),
        (("--web-cors-origin", "https://example.com/path"), "it is scheme and host"),
        (("--web-host", "no.such.host.invalid"), "--web-host is an address or a name of this machine"),
        (("--prometheus-token", ""), "argument --prometheus-token: is empty"),
    ],
)
def test_what_cannot_be_is_refused_with_the_option(starter: Starter, options: tuple[str, ...], words: str) -> None:
    site = starter.begin("-f", "shop.py", *options)
    assert site.end(None) not in (0, 1)
    assert words in "".join(site.log)
    assert "Traceback" not in "".join(site.log)


def test_below_a_base_path(starter: Starter, target: Server) -> None:
    site = starter.start("--web-base-path", "/load/", "-H", target.url)
    assert site.url.endswith("/load")
    assert site.swarm()["success"] is True
    assert site.hello()["run"]["number"] == 1
    root = site.url.removesuffix("/load")
    assert requests.get(f"{root}/stats/requests", timeout=30).status_code == 404
    answer = requests.get(site.url, timeout=30, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"].endswith("/load/")) == (308, True)


def test_with_a_certificate_it_speaks_https(starter: Starter) -> None:
    authority = Authority(starter.folder)
    certificate = str(authority.certificate("here", "localhost", "127.0.0.1"))
    tls = ("--tls-cert", certificate, "--tls-key", certificate)
    metrics = ("--prometheus-port", "0", "--prometheus-host", "127.0.0.1")
    site = starter.start(*tls, *metrics, verify=str(authority.path))
    assert site.url.startswith("https://127.0.0.1:")
    [url] = re.findall(r"Prometheus is answered at (\S+)", "".join(site.log))
    assert url.startswith("https://127.0.0.1:")
    assert "gregaria_state" in site.session.get(url, timeout=30).text
    assert site.json("/worker-count") == {"worker_count": 0}
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(site.url, timeout=30, verify=str(Authority(starter.folder, "stranger").path))
    assert site.end() == 0
    assert "Traceback" not in "".join(site.log)


def test_https_where_http_is_spoken_is_told(starter: Starter) -> None:
    site = starter.start()
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(site.url.replace("http:", "https:"), timeout=30)
    site.until(lambda: any("speaks http: give --tls-cert" in line for line in site.log))
    assert site.json("/worker-count") == {"worker_count": 0}


def test_who_listens_everywhere_without_login_is_warned(starter: Starter) -> None:
    site = starter.begin("-f", "shop.py", "--web-port", "0").wait_until_up()
    assert site.url.startswith("http://localhost:")
    site.end()
    assert sum("--web-host 127.0.0.1" in line and "--web-login" in line for line in site.log) == 1


def test_a_name_of_the_machine_is_told_and_answered_to(starter: Starter) -> None:
    usual = ("-f", "shop.py", "--web-host", "127.0.0.1", "--web-port", "0")
    site = starter.begin(*usual, "--web-host-display-name", "box")
    site.until(lambda: any("http://box:" in line for line in site.log))
    port = site.url.rpartition(":")[2]
    answer = requests.get(f"http://127.0.0.1:{port}/worker-count", headers={"Host": f"box:{port}"}, timeout=30)
    assert answer.status_code == 200


def test_files_that_are_no_certificate_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("nothing")
    with pytest.raises(CommandError, match=r"--tls-cert .*a.pem and --tls-key .*a.pem cannot be used"):
        tls_context(str(tmp_path / "a.pem"), str(tmp_path / "a.pem"))
    with pytest.raises(CommandError, match="No such file"):
        tls_context(str(tmp_path / "b.pem"), str(tmp_path / "b.pem"))
    assert tls_context("", "") is None


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    certificate = str(Authority(tmp_path).certificate("here", "localhost"))
    context = tls_context(certificate, certificate)
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.1.2.3", True), ("::1", True), ("", False), ("0.0.0.0", False), ("example.com", False)],
)
def test_what_the_loopback_is(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
