"""NO_PROXY as Go, curl and clusters write it, and an environment that can't be done."""

from __future__ import annotations

import ipaddress

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.binds.secret_store import SecretStore
from naftiko.engine.binds.source import NotReadable
from naftiko.engine.transport.environment import Exceptions, environment_faults, environment_proxies

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """An environment that says nothing of all this."""
    for name in (*VARIABLES, *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("exceptions", "url", "direct"),
    [
        ("127.0.0.0/8", "http://127.1.2.3:8080/", True),
        ("127.0.0.0/8", "http://128.0.0.1/", False),
        ("127.0.0.1/8", "http://127.9.9.9/", True),
        ("10.0.0.0/8, 192.168.0.0/16", "https://192.168.7.7/", True),
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]/", True),
        ("fd00::/8", "http://[fd12::1]:9/", True),
        ("[fd00::]/8", "http://[fd12::1]/", True),
        ("fd00::/8", "http://[fe80::1]/", False),
        ("::1", "http://[::1]:8080/", True),
        ("[::1]", "http://[0:0::1]/", True),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("[::1]:8080", "http://[::1]:8081/", False),
        ("10.0.0.1", "http://10.0.0.1/", True),
        ("10.0.0.1", "http://110.0.0.1/", False),
        ("10.0.0.1:80", "http://10.0.0.1/", True),
        ("10.0.0.1:443", "http://10.0.0.1/", False),
        ("*", "https://anything.example/", True),
        ("a.example,*", "http://[::1]/", True),
        (".example.com", "https://api.example.com/", True),
        (".example.com", "https://example.com/", True),
        (".example.com", "https://badexample.com/", False),
        ("*.example.com", "https://a.b.example.com/", True),
        ("example.com", "https://API.Example.COM/", True),
        ("EXAMPLE.com", "https://example.com./", True),
        ("example.com.", "https://example.com/", True),
        ("example.com:8443", "https://api.example.com:8443/", True),
        ("example.com:8443", "https://example.com/", False),
        ("example.com:443", "https://example.com/", True),
        ("https://example.com", "https://example.com/", True),
        ("a.example b.example;c.example\tlocalhost", "http://localhost:8080/", True),
        ("bücher.example", "https://bücher.example/", True),
        ("<local>", "http://intranet/", True),
        ("<local>", "http://intra.net/", False),
        ("10.0.0.0/99, /, :, ::, [, *., ., x:y", "http://api.example/", False),
        ("", "http://api.example/", False),
    ],
)
def test_what_no_proxy_takes_out(exceptions, url, direct):
    assert Exceptions(exceptions).hold(httpx.URL(url)) is direct


@given(address=st.ip_addresses(), bits=st.integers(0, 128))
def test_an_address_is_in_every_block_around_it_and_in_no_other(address, bits):
    length = min(bits, address.max_prefixlen)
    block = ipaddress.ip_network((address, length), strict=False)
    shown = f"[{address}]" if address.version == 6 else str(address)
    if getattr(address, "ipv4_mapped", None) is None:
        assert Exceptions(str(block)).hold(httpx.URL(f"http://{shown}/"))
        other = ipaddress.ip_address(int(address) ^ (1 << (address.max_prefixlen - length))) if length else None
        if other is not None and getattr(other, "ipv4_mapped", None) is None:
            assert not Exceptions(str(other) + f"/{length}").hold(httpx.URL(f"http://{shown}/"))


@given(st.text(max_size=60))
def test_nothing_that_no_proxy_holds_is_a_reason_to_fail(text):
    Exceptions(text).hold(httpx.URL("http://api.example/"))
    Exceptions(text).hold(httpx.URL("http://[::1]:8080/"))


@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_the_names_of_the_variables_have_no_case(monkeypatch, spelling):
    monkeypatch.setenv(spelling("ALL_PROXY"), "proxy.example:3128")
    monkeypatch.setenv(spelling("HTTPS_PROXY"), "HTTP://secure.example")
    monkeypatch.setenv(spelling("NO_PROXY"), "10.0.0.0/8")
    proxies = environment_proxies()
    assert proxies.of(httpx.URL("http://api.example/")) == "http://proxy.example:3128"
    assert proxies.of(httpx.URL("https://api.example/")) == "http://secure.example"
    assert proxies.of(httpx.URL("https://10.1.1.1/")) is None


def test_exceptions_alone_name_no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert environment_proxies().of(httpx.URL("http://api.example/")) is None


def test_a_secret_store_goes_the_same_way(monkeypatch):
    """A store that NO_PROXY takes out is asked directly, one behind a SOCKS proxy is not asked at all."""
    monkeypatch.setenv("ALL_PROXY", "socks5://user:s3cret@127.0.0.1:1")
    store = SecretStore("Vault", "http://127.0.0.1:1", None, proxied=True)
    with pytest.raises(NotReadable, match="ALL_PROXY names a SOCKS proxy") as caught:
        store.ask("GET", "/v1/x", {})
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    with pytest.raises(NotReadable, match=r"can't be reached: .*refused"):
        store.ask("GET", "/v1/x", {})


# What can't be done is told at the start


def test_an_environment_without_faults(monkeypatch, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "authority.pem")
    (tmp_path / "0123abcd.0").write_bytes((tmp_path / "authority.pem").read_bytes())
    assert list(environment_faults()) == []
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert list(environment_faults()) == []


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        ("SSL_CERT_FILE", "nowhere.pem", "SSL_CERT_FILE names {path}, which doesn't exist"),
        ("SSL_CERT_FILE", "", "SSL_CERT_FILE names {path}, which is a directory"),
        ("SSL_CERT_FILE", "empty.pem", "SSL_CERT_FILE names {path}, which holds no certificate in PEM"),
        ("SSL_CERT_DIR", "nowhere", "SSL_CERT_DIR names {path}, which doesn't exist"),
        ("SSL_CERT_DIR", "", "SSL_CERT_DIR names {path}, where no certificate has the name that is looked for"),
        ("SSL_CERT_DIR", "empty.pem", "SSL_CERT_DIR names {path}, which can't be read (not a directory)"),
        ("REQUESTS_CA_BUNDLE", "nowhere.pem", "REQUESTS_CA_BUNDLE names {path}, which doesn't exist"),
        ("REQUESTS_CA_BUNDLE", "empty.pem", "REQUESTS_CA_BUNDLE is not read here: name {path} in SSL_CERT_FILE"),
        ("CURL_CA_BUNDLE", "empty.pem", "CURL_CA_BUNDLE is not read here: name {path} in SSL_CERT_FILE"),
    ],
)
def test_certificates_that_are_not_there(monkeypatch, tmp_path, name, path, said):
    (tmp_path / "empty.pem").write_text("")
    named = str(tmp_path / path)
    monkeypatch.setenv(name, named)
    (fault,) = environment_faults()
    assert fault.startswith(said.format(path=named))


def test_proxies_that_are_not_spoken(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://user:s3cret@proxy.example:1080")
    (fault,) = environment_faults()
    assert fault.startswith("ALL_PROXY names a SOCKS proxy, which isn't spoken here: name an http or https proxy")
    assert "s3cret" not in fault
