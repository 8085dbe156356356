"""TLS as people run it: certificates that are renewed, certificates of callers, and who never ends a handshake."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
from front import FILE, PORTS, Certificates, answers_until_a_stop, call_tool, replace, wait_until
from served import LIMIT, get, run, served

from naftiko.serve.tls import BadCertificate, Tls, TlsFiles, subject_of

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to look at certificates")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "front.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def options(certificates, *more):
    return (*PORTS, "--tls-cert", certificates.cert, "--tls-key", certificates.key, *more)


def mcp_client(certificates, *, shows=False):
    return httpx2.AsyncClient(verify=certificates.context(shows=shows), trust_env=False, timeout=LIMIT)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_renewed_certificate_is_taken_over_and_a_broken_one_is_not(file, certificates, workers):
    with served(file, *options(certificates, "--workers", str(workers), "--access-log")) as running:
        assert running.rest.startswith("https://")
        assert running.mcp.startswith("https://")
        first = certificates.serial()
        with httpx.Client(verify=certificates.context(), trust_env=False, timeout=LIMIT) as kept:
            assert kept.get(f"{running.rest}/r/1").json()["url"] == "http://127.0.0.1:9/r/1"
            assert not asyncio.run(call_tool(running.mcp, client=mcp_client(certificates), id="7")).is_error
            assert certificates.met_with(running.rest) == first

            second = certificates.renew()
            assert second != first
            for _ in range(3 * workers):  # each connection may come to another worker
                wait_until(lambda: certificates.met_with(running.rest) == second, running.said)
            running.wait_for_errors("was renewed")

            replace(certificates.key, certificates.pair()[1])  # of another certificate
            wait_until(lambda: [line for line in running.errors if "ERROR" in line], running.said)
            wrong = [line for line in running.errors if "ERROR" in line]
            assert len(wrong) == 1
            assert f"--tls-key {certificates.key}: the key is not that of the certificate" in wrong[0]
            assert {certificates.met_with(running.rest) for _ in range(3 * workers)} == {second}

            assert kept.get(f"{running.rest}/r/2").status_code == 200  # the connection from before it all
        running.process.send_signal(signal.SIGHUP)
        assert certificates.get(f"{running.rest}/r/3").status_code == 200
        assert certificates.get(f"{running.mcp}").status_code in {405, 406, 400}
        assert running.stop() == 0


def test_who_writes_one_file_after_the_other_makes_no_errors(file, certificates):
    with served(file, *options(certificates)) as running:
        cert, key = certificates.pair()
        before = certificates.met_with(running.rest)
        certificates.cert.write_bytes(cert)
        time.sleep(1.5)  # it has been looked at
        certificates.key.write_bytes(key)
        wait_until(lambda: certificates.met_with(running.rest) != before, running.said)
        assert not [line for line in running.errors if "ERROR" in line]


def test_after_sighup_the_new_workers_have_the_new_certificate(file, certificates):
    with served(file, *options(certificates, "--workers", "2")) as running:
        second = certificates.renew()
        wait_until(lambda: certificates.met_with(running.rest) == second, running.said)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("all workers are restarted" in line for line in running.errors), running.said)
        wait_until(lambda: {certificates.met_with(running.rest) for _ in range(6)} == {second}, running.said)


def test_callers_show_a_certificate_and_lines_say_whose(file, certificates, tmp_path):
    audit = tmp_path / "audit"
    more = ("--tls-client-ca", certificates.ca, "--access-log", "--log-format", "json", "--audit-log", audit)
    with served(file, *options(certificates, *more), ready=('"rest"', '"mcp"')) as running:
        rest, mcp = (json.loads(line)["url"] for line in running.lines[:2])
        assert certificates.get(f"{rest}/r/1", shows=True).status_code == 200
        assert not asyncio.run(call_tool(mcp, client=mcp_client(certificates, shows=True), id="7")).is_error
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
            certificates.get(f"{rest}/r/2")
        stranger = Certificates(tmp_path_of(tmp_path))
        context = certificates.context()
        context.load_cert_chain(str(stranger.client))
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
            httpx.get(f"{rest}/r/3", verify=context, trust_env=False, timeout=LIMIT)
        lines = wait_until(lambda: [json.loads(line) for line in running.errors if "/r/{id}" in line], running.said)
        assert [line["route"] for line in lines] == ["/r/{id}"]
        assert lines[0]["certificate"].startswith("CN=shop,")
        assert "O=Example\\, Inc" in lines[0]["certificate"]
        told = json.loads(audit.read_text().splitlines()[0])
        assert told["certificate"] == lines[0]["certificate"]
        running.wait_for_errors("no TLS with 127.0.0.1")


def tmp_path_of(folder):
    other = folder / "other"
    other.mkdir()
    return other


def test_the_operators_ports_on_loopback_stay_plain_and_commands_find_all(file, certificates):
    with served(
        file, *options(certificates, "--control", "0", "--probe-port", "127.0.0.1:0"), ready=("probe ",)
    ) as running:
        wait_until(lambda: get(f"{running.url('control')}/health/ready").json()["status"] == "UP", running.said)
        assert get(f"{running.url('probe')}/health/live").status_code == 200
        port = urlsplit(running.url("control")).port
        assert run("status", "--port", str(port)).returncode == 0
        ports = [f"--port={kind}={urlsplit(running.url(kind)).port}" for kind in ("rest", "mcp")]
        asked = run("health", str(file), *ports, "--tls-cert", str(certificates.cert))
        assert (asked.returncode, asked.stdout.split(":")[0]) == (0, "healthy"), asked.stderr


def test_health_where_callers_show_a_certificate(file, certificates):
    with served(file, *options(certificates, "--tls-client-ca", certificates.ca)) as running:
        ports = [f"--port={kind}={urlsplit(running.url(kind)).port}" for kind in ("rest", "mcp")]
        assert run("health", str(file), *ports, "--tls-cert", str(certificates.cert)).returncode == 0


def test_a_control_port_that_others_reach_has_tls(file, certificates):
    with served(
        file,
        *options(certificates, "--control", "0.0.0.0:0", "--control-token", "t0ken-of-the-operator"),
        ready=("control ",),
    ) as running:
        url = running.url("control")
        assert url.startswith("https://localhost:")
        bearer = {"Authorization": "Bearer t0ken-of-the-operator"}
        assert wait_until(lambda: certificates.get(f"{url}/health/ready", headers=bearer).status_code == 200)
        port, token = str(urlsplit(url).port), ("--token", "t0ken-of-the-operator")
        assert run("status", "--port", port, *token).returncode == 0  # of this machine: as safe as plain HTTP is here
        trusted = {"SSL_CERT_FILE": str(certificates.ca)}
        assert run("status", "--port", port, *token, "--address", "https://localhost", env=trusted).returncode == 0
        refused = run("status", "--port", port, *token, "--address", "https://localhost")
        assert refused.returncode != 0  # nobody knows the authority


def test_openssl_is_met_with_what_is_safe(file, certificates):
    with served(file, *options(certificates)) as running:
        address = urlsplit(running.rest).netloc
        command = ["openssl", "s_client", "-connect", address, "-CAfile", str(certificates.ca), "-alpn", "h2,http/1.1"]
        said = subprocess.run(command, input=b"", capture_output=True, timeout=LIMIT, check=False).stdout.decode()
        assert "Verification: OK" in said
        assert "ALPN protocol: http/1.1" in said
        old = subprocess.run([*command, "-tls1_1"], input=b"", capture_output=True, timeout=LIMIT, check=False)
        assert old.returncode != 0


def test_who_never_ends_a_handshake_is_not_waited_for_and_counts(file, certificates):
    more = ("--head-timeout", "1", "--max-connections-per-address", "3", "--idle-timeout", "1")
    with served(file, *options(certificates, *more)) as running:
        netloc = urlsplit(running.rest)
        stalled = [socket.create_connection((netloc.hostname, netloc.port), timeout=LIMIT) for _ in range(3)]
        with socket.create_connection((netloc.hostname, netloc.port), timeout=LIMIT) as refused:
            assert not came(refused)
        for each in stalled:
            assert not came(each)
            each.close()
        assert certificates.get(f"{running.rest}/r/1").status_code == 200
        running.wait_for_errors("TLS handshake took too long (from 127.0.0.1)")


def came(caller: socket.socket) -> bytes:
    try:
        return caller.recv(1)
    except ConnectionError:
        return b""


def test_plain_http_is_told_apart_from_noise(file, certificates):
    with served(file, *options(certificates)) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            get(running.rest.replace("https", "http"))
        wait_until(lambda: any("it speaks plain HTTP" in line for line in running.errors), running.said)
        assert certificates.get(f"{running.rest}/r/1").status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_loses_no_request(file, certificates, workers):
    """Whoever has a connection, or is in the queue for one, is answered or refused before sending."""
    with served(file, *options(certificates, "--workers", str(workers))) as running:
        context, url = certificates.context(), f"{running.rest}/r/1"

        async def caller(answers):
            async with httpx.AsyncClient(verify=context, trust_env=False, timeout=LIMIT) as client:
                while True:
                    answers.append((await client.get(url)).status_code)

        assert set(answers_until_a_stop(running, caller)) == {200}
        assert running.wait() == 0


def test_what_can_not_be_used_is_told_at_the_start(file, certificates, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    other = tmp_path / "other.pem"
    other.write_bytes(certificates.pair()[1])
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", certificates.key, "-aes256", "-passout", "pass:x", "-out", locked], check=True
    )
    for given, said in {
        ("--tls-cert", "nowhere.pem"): "--tls-cert nowhere.pem: no such file or directory",
        ("--tls-cert", str(empty)): "there is no certificate as PEM in it",
        ("--tls-cert", str(certificates.cert)): "there is no private key as PEM in it; where the key is says --tls-key",
        ("--tls-cert", str(certificates.cert), "--tls-key", str(other)): "the key is not that of the certificate",
        ("--tls-cert", str(certificates.cert), "--tls-key", str(locked)): "the key is encrypted",
        ("--tls-key", str(certificates.key)): "needs --tls-cert",
        ("--tls-client-ca", str(certificates.ca)): "needs --tls-cert",
        (
            "--tls-cert",
            str(certificates.cert),
            "--tls-key",
            str(certificates.key),
            "--tls-client-ca",
            str(empty),
        ): f"--tls-client-ca {empty}",
    }.items():
        ended = run("serve", str(file), *PORTS, *given, cwd=tmp_path)
        assert ended.returncode != 0, given
        assert said in " ".join(ended.stderr.split()), ended.stderr
        assert "Traceback" not in ended.stderr


def test_one_file_may_have_both(file, certificates, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(certificates.key.read_bytes() + certificates.cert.read_bytes())
    with served(file, *PORTS, "--tls-cert", both) as running:
        assert certificates.get(f"{running.rest}/r/1").status_code == 200


def test_files_that_come_back_are_no_fault(certificates):
    tls = Tls(TlsFiles(certificates.cert, certificates.key))
    first, data = tls.context, certificates.cert.read_bytes()
    certificates.cert.unlink()
    for _ in range(5):
        tls.look()
    assert tls.context is first
    replace(certificates.cert, data)
    tls.look()
    assert tls.context is not first


def test_a_certificate_that_is_none_is_refused(tmp_path, certificates):
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(BadCertificate, match="can't be read"):
        Tls(TlsFiles(broken))


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        (None, ""),
        ({}, ""),
        ({"subject": ((("countryName", "FR"),), (("commonName", "a,b=c"),))}, "CN=a\\,b=c,C=FR"),
        ({"subject": ((("commonName", "a"), ("userId", "#7 ")),)}, "CN=a+UID=\\#7\\ "),
        ({"subject": (), "subjectAltName": (("URI", "spiffe://example/shop"),)}, "URI:spiffe://example/shop"),
    ],
)
def test_names_are_those_of_rfc_4514(certificate, name):
    assert subject_of(certificate) == name


def test_a_context_asks_no_caller_unless_told(certificates):
    assert Tls(TlsFiles(certificates.cert, certificates.key)).context.verify_mode == ssl.CERT_NONE
