"""The files of ``examples/operate`` that others run beside naftiko: those who read them take them, and what they say of naftiko is so."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from front import FILE, wait_until
from served import LIMIT, NAFTIKO, ROOT, get, served, surroundings

from naftiko.cli.serve import serve
from naftiko.cli.settings import VARIABLES

OPERATE = ROOT / "examples" / "operate"
FILES = sorted(path for path in OPERATE.iterdir() if path.is_file())
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
XDS = os.environ.get("XDS_PYTHON")
_PARSE = """\
import json, sys
from google.protobuf import json_format
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
import envoy.extensions.filters.http.router.v3.router_pb2
import envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2
import envoy.extensions.upstreams.http.v3.http_protocol_options_pb2
print(len(json_format.ParseDict(json.load(sys.stdin), Bootstrap()).static_resources.clusters))
"""
_INSTALLED = "/opt/naftiko/bin/naftiko"


def has(program: str, package: str):
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"there is no {program} here: apt-get install {package}"
    )


def done(*command: str | Path, cwd: Path = OPERATE) -> str:
    """Run a program that must succeed; return all that it said."""
    ended = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, timeout=LIMIT)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


def read(name: str) -> Any:
    return yaml.safe_load((OPERATE / name).read_text())


# --- what they say of naftiko -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_options_and_variables_are_those_of_the_command(path):
    text = path.read_text().replace("\\\n", " ")
    known = {name for parameter in serve.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for line in re.findall(r"naftiko serve (.*)", text):
        options = re.findall(r"(?<!\S)--[a-z][-a-z]*", line)
        assert set(options) <= known, line
    assert set(re.findall(r"\bNAFTIKO_[A-Z_]+", text)) - VARIABLES == set()


def test_the_page_names_each_file():
    text = (OPERATE / "README.md").read_text()
    assert set(re.findall(r"\]\(([\w.-]+)\)", text)) == {path.name for path in FILES} - {"README.md"}


def test_the_rules_are_tried_with_metrics_that_they_ask():
    asked = set(re.findall(r"\b(?:ikanos|process)_\w+", (OPERATE / "alerts.yml").read_text()))
    assert set(re.findall(r"\b(?:ikanos|process)_\w+", (OPERATE / "alerts.test.yml").read_text())) - asked <= {
        "ikanos_adapter_type",
        "ikanos_capability",
    }


def test_the_dashboard_can_be_laid_out():
    board = json.loads((OPERATE / "grafana-dashboard.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) > 20
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert at["x"] + at["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [each["name"] for each in board["templating"]["list"]] == ["datasource", "job", "instance"]


# --- systemd ------------------------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path) -> Path:
    """The units, with the program where it is here."""
    for name in ("naftiko.service", "naftiko.socket"):
        (tmp_path / name).write_text((OPERATE / name).read_text().replace(_INSTALLED, str(NAFTIKO)))
    return tmp_path


@has("systemd-analyze", "systemd")
def test_systemd_takes_the_units(units):
    assert done("systemd-analyze", "verify", units / "naftiko.service", units / "naftiko.socket") == ""
    done("systemd-analyze", "security", "--offline=true", "--threshold=20", units / "naftiko.service")


@has("systemd-socket-activate", "systemd")
def test_the_service_takes_its_sockets(units, tmp_path):
    """The very command of the unit, with the sockets of the other one: the ports of the file are those of the sockets."""
    words = command_of(units / "naftiko.service")
    ports = free_ports(4)
    (tmp_path / "capabilities").mkdir()
    text = FILE.replace("8080", str(ports[0])).replace("9090", str(ports[1]))
    (tmp_path / "capabilities" / "shop.yaml").write_text(text)
    (tmp_path / "secrets.env").write_text("TOKEN=s3cret\n")
    for old, new in (
        ("/etc/naftiko", str(tmp_path)), ("%d", str(tmp_path)), ("9465", str(ports[2])), ("9464", str(ports[3])),
    ):  # fmt: skip
        words = [word.replace(old, new) for word in words]
    listening = [option for port in ports[:2] for option in ("-l", f"127.0.0.1:{port}")]
    assert len(re.findall(r"^ListenStream=", (units / "naftiko.socket").read_text(), re.MULTILINE)) == 2
    named = "--fdname=naftiko.socket:naftiko.socket"  # as systemd calls them
    with running("systemd-socket-activate", *listening, named, "-E", "NAFTIKO_MOCK=1", *words, log=tmp_path / "log"):
        assert get(f"http://127.0.0.1:{ports[0]}/r/1").status_code == 200
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        answer = httpx.post(f"http://127.0.0.1:{ports[1]}/mcp", json=message, trust_env=False, timeout=LIMIT)
        assert answer.status_code == 200, answer.text
        assert get(f"http://127.0.0.1:{ports[2]}/status").status_code == 200
        wait_until(lambda: get(f"http://127.0.0.1:{ports[3]}/health/ready").status_code == 200)


def command_of(unit: Path) -> list[str]:
    """The words of ExecStart."""
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text().replace("\\\n", " "), re.MULTILINE)
    return line.split()


# --- proxies ------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx_conf(tmp_path) -> Path:
    """A whole configuration with the file in it, which listens on a socket of its own and asks other ports."""
    rest, mcp = free_ports(2)
    text = (OPERATE / "nginx.conf").read_text()
    assert "listen 80;" in text
    for old, new in (
        ("listen 80;", f"listen unix:{tmp_path}/nginx.sock;"),
        (":8080 ", f":{rest} "),
        (":9090 ", f":{mcp} "),
    ):
        text = text.replace(old, new)
    (tmp_path / "shop.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; {user} pid {tmp_path}/pid; worker_processes 1;\nevents {{}}\n"
        f"http {{\n{temporary}access_log off;\ninclude {tmp_path}/shop.conf;\n}}\n"
    )
    return tmp_path / "nginx.conf"


@pytest.mark.skipif(NGINX is None, reason="there is no nginx here: apt-get install nginx-light")
def test_nginx_takes_its_file(nginx_conf):
    said = done(NGINX, "-t", "-e", nginx_conf.parent / "errors", "-c", nginx_conf)
    assert "[warn]" not in said


@pytest.mark.skipif(NGINX is None, reason="there is no nginx here: apt-get install nginx-light")
def test_behind_nginx_a_caller_is_not_believed(nginx_conf):
    """What a caller claims to be a proxy's word does not come through: prefix, host, port, scheme and address are nginx' own."""
    folder = nginx_conf.parent
    (folder / "shop.yaml").write_text(FILE)
    text = (folder / "shop.conf").read_text()
    rest, mcp = re.findall(r"server 127\.0\.0\.1:(\d+)", text)[::2]
    words = re.findall(r"naftiko serve shop.yaml (.*)", (OPERATE / "nginx.conf").read_text())[0].split()
    words = [word.replace("8080", rest).replace("9090", mcp) for word in words]
    assert {f"rest={rest}", f"mcp={mcp}"} <= set(words)
    with (
        served(folder / "shop.yaml", "--mock", "--access-log", *words) as server,
        running(NGINX, "-e", folder / "errors", "-c", nginx_conf, log=folder / "log"),
    ):
        wait_until((folder / "nginx.sock").exists)
        transport = httpx.HTTPTransport(uds=str(folder / "nginx.sock"))
        with httpx.Client(transport=transport, base_url="http://shop.example.com", timeout=LIMIT) as client:
            forged = {f"x-forwarded-{name}": "evil.example" for name in ("for", "host", "proto")}
            forged |= {"x-forwarded-prefix": "/evil", "x-forwarded-port": "666", "forwarded": "host=evil.example"}
            plain, claimed = (client.get("/shop/none", headers=headers).json() for headers in ({}, forged))
            assert plain["detail"] == claimed["detail"] == "there is nothing at /shop/none"
            assert client.get("/shop/r/1", headers=forged).status_code == 200
            ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            assert client.post("/shop/mcp", json=ping, headers=forged).status_code == 200
        assert "evil" not in server.said()


def test_envoy_sends_to_where_naftiko_listens():
    """Its clusters and addresses are those of the commands at its top."""
    envoy = read("envoy.yaml")["static_resources"]
    clusters = {each["name"]: each for each in envoy["clusters"]}
    manager = envoy["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    (host,) = manager["route_config"]["virtual_hosts"]
    assert {route["route"]["cluster"] for route in host["routes"]} == set(clusters)
    commands = re.findall(r"naftiko serve (.*)", (OPERATE / "envoy.yaml").read_text())
    for name, cluster in clusters.items():
        kind = name.removeprefix("naftiko_")
        ends = [each["endpoint"] for each in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]]
        assert len(ends) == len(commands) == 2
        for end, command in zip(ends, commands, strict=True):
            address = end["address"]["socket_address"]
            assert f"--port {kind}={address['port_value']} " in command
            assert f"--probe-port {address['address']}:{end['health_check_config']['port_value']} " in command
            assert f"--forwarded-allow-ips {address['address']} " in command
            assert command.endswith(f"--allow-host {host['domains'][0]}")


@pytest.mark.skipif(
    XDS is None,
    reason="Envoy is in no package; XDS_PYTHON may name a Python that has its messages: pip install xds-protos",
)
def test_envoy_takes_its_file():
    """Each name and type in it is one of Envoy's own protocol buffers, which don't live beside ours of OpenTelemetry."""
    taken = subprocess.run(
        [XDS, "-c", _PARSE], input=json.dumps(read("envoy.yaml")), capture_output=True, text=True, check=False
    )
    assert (taken.returncode, taken.stdout.strip()) == (0, "2"), taken.stderr


# --- Compose ------------------------------------------------------------------------------------------------------


def test_the_compose_file():
    """Its keys are those of the Compose specification, what it mounts is there, and one part finds the other."""
    compose = read("compose.yaml")
    assert set(compose) <= {"name", "services", "volumes", "configs"}
    for service in compose["services"].values():
        assert set(service) <= {
            "build", "image", "command", "read_only", "cap_drop", "security_opt", "ports", "environment", "volumes",
            "configs", "depends_on", "restart", "stop_grace_period",
        }  # fmt: skip
        assert {each["source"] for each in service.get("configs", ())} <= set(compose["configs"])
        for mounted in service.get("volumes", ()):
            source = mounted.partition(":")[0]
            assert source in compose["volumes"] or (OPERATE / source).is_file(), source
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    naftiko = compose["services"]["naftiko"]
    assert (OPERATE / naftiko["build"] / "Dockerfile").is_file()
    contents = {name: yaml.safe_load(each["content"]) for name, each in compose["configs"].items()}
    (scraped,) = contents["prometheus"]["scrape_configs"]
    assert scraped["static_configs"] == [{"targets": [f"naftiko:{naftiko['environment']['NAFTIKO_PROBE_PORT']}"]}]
    (source,) = contents["datasources"]["datasources"]
    assert source["url"] == f"http://prometheus:{compose['services']['prometheus']['ports'][0].rpartition(':')[2]}"
    (provider,) = contents["dashboards"]["providers"]
    where = [each.split(":")[1] for each in compose["services"]["grafana"]["volumes"]]
    assert str(Path(where[0]).parent) == provider["options"]["path"]


def test_the_server_of_the_compose_file_starts(tmp_path):
    """With its variables, command and capability, where the ports are others."""
    naftiko = read("compose.yaml")["services"]["naftiko"]
    given = {name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value) for name, value in naftiko["environment"].items()}
    rest, mcp, probe, control = free_ports(4)
    given |= {
        "NAFTIKO_PROBE_PORT": str(probe),
        "NAFTIKO_CONTROL": str(control),
        "NAFTIKO_PORT": f"rest={rest} mcp={mcp}",
    }
    source = naftiko["volumes"][0].partition(":")[0]
    words = [word.replace("/capabilities", str((OPERATE / source).resolve())) for word in naftiko["command"]]
    with running(NAFTIKO, *words, log=tmp_path / "log", env=given):
        wait_until(lambda: answers(f"http://127.0.0.1:{probe}/metrics", host="naftiko:9464"))
        assert answers(f"http://127.0.0.1:{rest}/ships/IMO-9321483")
        said = subprocess.run(
            [NAFTIKO, "status", "--port", str(control)], env=surroundings(), capture_output=True, text=True, check=True
        )
        assert "Ships" in said.stdout


@has("promtool", "prometheus")
def test_prometheus_of_the_compose_file(tmp_path):
    shutil.copy(OPERATE / "alerts.yml", tmp_path)
    (tmp_path / "prometheus.yml").write_text(read("compose.yaml")["configs"]["prometheus"]["content"])
    done("promtool", "check", "config", "prometheus.yml", cwd=tmp_path)


# --- what runs ----------------------------------------------------------------------------------------------------


def answers(url: str, host: str = "localhost") -> bool:
    with contextlib.suppress(httpx.TransportError):
        return get(url, headers={"host": host}).status_code == 200
    return False


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


@contextlib.contextmanager
def running(*command: str | Path, log: Path, env: dict[str, str] | None = None):
    """A process in a group of its own, stopped at the end; what it said is shown where the test fails."""
    with log.open("w") as written:
        process = subprocess.Popen(
            [*map(str, command)], stdout=written, stderr=written, env=surroundings(**(env or {})), cwd=log.parent
        )
    try:
        if command[0] == "systemd-socket-activate":
            wait_until(lambda: "Listening on" in log.read_text(), log.read_text)
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0, log.read_text()
    except BaseException:
        print(log.read_text())  # noqa: T201  # pytest shows it with the failure
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
