"""The process: what it says when it starts, how it stops, and each of its options, as a user gives them."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from examples.koyeb import stand_in_koyeb
from mcp.client import Client
from served import FIRST, FREE, LIMIT, NAFTIKO, SEED, get, run, served, surroundings, tools_of

import forks
from holding import Held
from naftiko.serve.process import ServeOptions
from naftiko.testing import Stall

TOKEN = "koyeb-secret-token-1234"
ROUTE = "/v1/v1/instances"


@pytest.fixture(scope="module")
def koyeb():
    with stand_in_koyeb(TOKEN) as standing_in:
        yield standing_in


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


# What it says


def test_a_line_per_adapter_and_what_is_missing():
    with served(FIRST, *FREE) as process:
        rest, mcp = process.lines
        assert re.fullmatch(
            r"rest http://127\.0\.0\.1:\d+  4 routes  koyeb-instances-rest \(Koyeb Rest API — Instances\)", rest
        )
        assert re.fullmatch(
            r"mcp  http://127\.0\.0\.1:\d+/mcp  4 tools  koyeb-instances-mcp \(Koyeb Rest API — Instances\)", mcp
        )
        [missing] = [line for line in process.errors if "KOYEB_API_KEY" in line]
        assert missing.startswith(
            "missing: KOYEB_API_KEY — blocks koyeb-instances; set KOYEB_API_KEY in the environment"
        )
        assert process.stop() == 0


def test_an_environment_that_can_not_be_done_is_told_at_the_start():
    env = {"KOYEB_API_KEY": "x", "SSL_CERT_FILE": "/nowhere/authorities.pem"}
    with served(FIRST, *FREE, env=env) as process:
        [told] = [line for line in process.errors if not line.startswith("uses: ")]
        assert told.startswith("warning: SSL_CERT_FILE names /nowhere/authorities.pem, which doesn't exist")


def test_nothing_is_missing_with_the_variable():
    with served(FIRST, *FREE, env={"KOYEB_API_KEY": TOKEN}) as process:
        assert process.stop() == 0
    assert process.errors == ["uses: KOYEB_API_KEY → app.koyeb.com"]


# How it stops


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_requests_in_flight_finish(koyeb, number):
    """The answer that was under way arrives whole, over REST and MCP; then the process exits with 0."""
    koyeb.clear()
    held = Held()
    koyeb.misbehave(held, times=2)
    options = ["--base-uri", f"koyeb-instances={koyeb.url}"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list-instances", "arguments": {}}}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    with (
        served(FIRST, *FREE, *options, env={"KOYEB_API_KEY": TOKEN}) as process,
        ThreadPoolExecutor(2) as pool,
    ):
        rest = pool.submit(get, process.rest + ROUTE)
        mcp = pool.submit(httpx.post, process.mcp, json=call, headers=headers, timeout=LIMIT, trust_env=False)
        wait_until(lambda: len(koyeb.requests) == 2)
        process.process.send_signal(number)
        wait_until(lambda: refuses(process.rest) and refuses(process.mcp))
        held.let_go()
        assert process.wait() == 0
        assert rest.result().status_code == 200
        assert rest.result().json()["count"] == len(koyeb.instances)
        assert mcp.result().json()["result"]["structuredContent"] == rest.result().json()
        with pytest.raises(httpx.ConnectError):
            get(process.rest + ROUTE)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("seconds", [0, 1, 3])
def test_a_request_that_never_ends_is_cut_when_its_time_is_over(koyeb, workers, seconds):
    koyeb.clear()
    koyeb.misbehave(held := Held(), times=1)
    options = ("--base-uri", f"koyeb-instances={koyeb.url}", "--workers", workers)
    env = {"KOYEB_API_KEY": TOKEN, "NAFTIKO_SHUTDOWN_TIMEOUT": str(seconds)}
    with served(FIRST, *FREE, *options, env=env) as process, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, process.rest + ROUTE)
        wait_until(lambda: koyeb.requests)
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started > seconds
        assert answer.result().status_code == 503
        assert answer.result().headers["retry-after"] == "1"
        assert answer.result().json()["type"] == "urn:naftiko:problem:stopping"
        held.let_go()


def test_ten_seconds_is_what_nobody_says():
    shown = run("serve", "--help").stdout
    assert "--shutdown-timeout SECONDS" in shown
    assert ServeOptions().stop_seconds == 10


@pytest.mark.parametrize("text", ["-1", "86401", "nan", "1.5", "soon"])
def test_no_time_to_stop_in(text):
    done = run("serve", str(FIRST), "--shutdown-timeout", text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for '--shutdown-timeout'" in done.stderr


def test_a_second_signal_ends_it_at_once(koyeb):
    koyeb.clear()
    koyeb.misbehave(Stall(60), times=1)
    with (
        served(FIRST, *FREE, "--base-uri", f"koyeb-instances={koyeb.url}", env={"KOYEB_API_KEY": TOKEN}) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(get, process.rest + ROUTE)
        wait_until(lambda: koyeb.requests)
        started = time.monotonic()
        process.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.process.poll() is None
        assert process.stop(signal.SIGINT) == 128 + signal.SIGINT
        assert time.monotonic() - started < 10, "before its grace was over"
        assert isinstance(answer.exception(), httpx.HTTPError)


def test_a_signal_while_it_starts(tmp_path):
    """Whenever the signal comes, also while files are read or the SDK is imported, the exit code is 0."""
    command = [NAFTIKO, "serve", FIRST, *FREE]
    for delay in (0.25, 0.5, 0.8, 1.1, 2.0):
        with subprocess.Popen(
            command, env=surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            time.sleep(delay)
            early = process.poll()
            process.send_signal(signal.SIGTERM)
            shown, said = process.communicate(timeout=LIMIT)
            assert early is None
            # Before Python has reached the command, however long that takes, the signal does what it does to any process.
            assert process.returncode in ({0} if shown or said else {0, -signal.SIGTERM}), said
            assert "Traceback" not in said


@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_while_workers_start(workers):
    command = [NAFTIKO, "serve", FIRST, *FREE, "--workers", workers]
    for number in range(8):
        with forks.start(
            command, env=surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline().startswith("rest ")
            time.sleep(number / 30)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=LIMIT)
            assert (process.returncode, "Error" in said) == (0, False), said


def refuses(url: str) -> bool:
    """Tell whether nobody listens there any more."""
    with socket.socket() as caller:
        return caller.connect_ex((httpx.URL(url).host, httpx.URL(url).port)) != 0


def wait_until(condition) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


# Where it listens


def test_a_port_in_use_is_one_clear_line():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        done = run("serve", str(SEED), "--port", f"rest={port}", "--port", "mcp=0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if "missing" not in line] == [
        f"Error: port {port} on 127.0.0.1 is in use: stop what listens there, or choose another with --port"
    ]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--port", "rest=70000"], 2, "0 to 65535"),
        (["--port", f"rest={'9' * 5000}"], 2, "0 to 65535"),
        (["--port", "8080"], 2, "not like rest=18080"),
        (["--host", "203.0.113.7"], 1, "is no address of this machine: choose one with --host"),
        (["--host", "no-such-host.invalid"], 1, "there is no such address"),
        (["--host", "a..b"], 1, "there is no such address"),
        (["--timeout", "0"], 2, "--timeout"),
        (["--base-uri", "https://example.com"], 2, "--base-uri wants NAME=VALUE"),
        (["--env-file", "nowhere.env"], 2, "nowhere.env"),
        (["--nonsense"], 2, "--nonsense"),
    ],
)
def test_options_that_can_not_be_meant(options, code, words):
    done = run("serve", str(SEED), *options)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_of_the_environment_that_can_not_be_meant():
    done = run("serve", str(SEED), env={"NAFTIKO_PORT": "rest=70000"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "0 to 65535" in done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_most_likely_is_misspelt_is_told(form):
    """Settings that are none, patterns that fit nothing, what the environment names: warnings, in the form of the log."""
    options = ["--deny-tool", "get-instnce", "--allow-tool", "*-instance*", "--log-format", form]
    env = {"NAFTIKO_STRCT": "1", "NAFTIKO_PORT": "rest=0 mcp=0 nosuch=1", "KOYEB_API_KEY": TOKEN}
    ready = ("rest ", "mcp ") if form == "text" else ('"adapter": "rest"', '"adapter": "mcp"')
    with served(FIRST, *options, env=env, ready=ready) as process:
        told = [line if form == "text" else json.loads(line)["message"] for line in process.errors]
        told = [line for line in told if not line.startswith("uses: ")]
        exposed = "rest, mcp, skill, control, koyeb-instances-rest, koyeb-instances-mcp"
        assert told == [
            f"warning: NAFTIKO_PORT: nosuch=1 names no adapter; exposed: {exposed}",
            "warning: --deny-tool get-instnce fits no tool and no route; did you mean `get-instance`?",
            "warning: the environment variable NAFTIKO_STRCT is no setting; did you mean `NAFTIKO_STRICT`?",
        ]
        assert process.stop() == 0


def test_a_name_that_no_file_has_is_an_error():
    done = run("serve", str(FIRST), "--port", "nosuch=8080")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--port nosuch=8080 names no adapter" in done.stderr


def with_ports(file: Path, rest: object, mcp: object) -> Path:
    text = SEED.read_text("utf-8")
    file.write_text(text.replace("port: 8080", f"port: {rest}").replace("port: 9090", f"port: {mcp}"), "utf-8")
    return file


@pytest.mark.parametrize(("rest", "mcp", "named"), [(99999, 0, "rest"), (0, 65536, "mcp"), (-1, 0, "rest")])
def test_a_file_whose_port_is_none_is_not_served(tmp_path, rest, mcp, named):
    """One line with its position; nothing is open, and the option helps."""
    file = with_ports(tmp_path / "bad.yaml", rest, mcp)
    done = run("serve", str(file), "--mock")
    assert (done.returncode, done.stdout) == (1, "")
    [told] = [line for line in done.stderr.splitlines() if line.startswith("not served: ")]
    wrong, name = (rest if named == "rest" else mcp), f"koyeb-instances-{named}"
    assert re.fullmatch(
        rf"not served: {file}:\d+:\d+: `{name}` wants port {wrong}, and ports are 0 to 65535; "
        rf"choose another with --port {name}=PORT",
        told,
    )
    assert "Error: nothing to serve" in done.stderr
    assert "Traceback" not in done.stderr
    with served(file, *FREE, "--mock") as process:
        assert process.stop() == 0


def test_a_file_whose_port_is_none_takes_no_other_down(tmp_path):
    with_ports(tmp_path / "bad.yaml", 99999, 0)
    with_ports(tmp_path / "good.yaml", 0, 0)
    with served(tmp_path, "--mock") as process:
        assert [line for line in process.errors if "99999" in line]
        assert get(process.rest + ROUTE).status_code == 200
        assert process.stop() == 1
    done = run("serve", str(tmp_path), "--mock", "--strict")
    assert done.returncode == 1
    assert "--strict: not started" in done.stderr


NOTHING = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - {type: http, namespace: api, baseUri: "http://127.0.0.1:9", resources: [{name: x, path: /x, operations: [{name: x, method: GET}]}]}
  exposes:
    - {type: rest, namespace: front, resourses: [{name: x, path: /x, operations: [{name: x, method: GET, call: api.x}]}]}
"""


@pytest.mark.parametrize("text", [NOTHING, NOTHING.replace("exposes:", "expose:")], ids=["no routes", "no adapter"])
def test_nothing_at_all_to_serve_is_no_success(tmp_path, text):
    (tmp_path / "capability.yaml").write_text(text, "utf-8")
    done = run("serve", str(tmp_path), *FREE)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: nothing to serve" in done.stderr


def listening(port: int) -> set[str]:
    """The addresses on which somebody listens on a port, as Linux has them."""
    found = set()
    for table in ("tcp", "tcp6"):
        with Path(f"/proc/net/{table}").open() as lines:
            for line in list(lines)[1:]:
                place, state = line.split()[1], line.split()[3]
                address, _, number = place.rpartition(":")
                if state == "0A" and int(number, 16) == port:
                    found.add(address)
    return found


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/net/tcp")


@on_linux
@pytest.mark.parametrize(
    ("options", "address"),
    [([], "0100007F"), (["--host", "127.0.0.1"], "0100007F"), (["--host", "0.0.0.0"], "00000000")],
)
def test_it_listens_on_loopback_unless_told_otherwise(options, address):
    with served(SEED, *FREE, *options) as process:
        for url in (process.rest, process.mcp):
            assert listening(httpx.URL(url).port) == {address}


def test_ports_by_kind_by_namespace_and_by_pattern():
    """A namespace wins over a pattern, a pattern over the kind."""
    first, second = free_port(), free_port()
    with served(SEED, "--port", f"rest={first}", "--port", f"koyeb-*-mcp={second}", "--port", "mcp=1") as process:
        assert httpx.URL(process.rest).port == first
        assert httpx.URL(process.mcp).port == second
    with served(SEED, "--port", f"koyeb-instances-rest={second}", "--port", "rest=1", "--port", "mcp=0") as process:
        assert httpx.URL(process.rest).port == second


def test_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with served(SEED, *FREE, "--host", "::1", "--mock") as process:
        assert process.rest.startswith("http://[::1]:")
        assert get(process.rest + ROUTE).status_code == 200


def test_rest_and_mcp_on_the_same_port(koyeb):
    port = free_port()
    options = ["--port", f"rest={port}", "--port", f"mcp={port}", "--base-uri", f"koyeb-instances={koyeb.url}"]
    with served(FIRST, *options, env={"KOYEB_API_KEY": TOKEN}) as process:
        assert process.mcp == process.rest + "/mcp"
        assert get(process.rest + ROUTE).json()["count"] == len(koyeb.instances)
        assert get(process.rest + "/nothing/mcp").status_code == 404
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
        for path in ("/mcp", "/mcp/", "/koyeb-instances-mcp/mcp"):
            answer = httpx.post(process.rest + path, json=call, headers=headers, trust_env=False, timeout=LIMIT)
            names = [tool["name"] for tool in answer.json()["result"]["tools"]]
            assert len(names) == 4, path
        assert process.stop() == 0


# Options, environment, files

ECHO = "/v1/v1/instances?limit=2"


def made_request(process) -> dict:
    """What ``--mock`` answers: the request that would have been made."""
    answer = get(process.rest + ECHO)
    assert answer.status_code == 200
    return answer.json()


async def test_mock_sends_nothing_and_needs_nothing():
    """Every route and tool answers with the request it would make, with no variable set and no network."""
    with served(FIRST, *FREE, "--mock") as process:
        assert process.errors == []
        made = made_request(process)
        assert made["method"] == "GET"
        assert made["url"] == "https://app.koyeb.com/v1/instances?limit=2"
        assert "KOYEB" not in json.dumps(made["headers"]).replace("{KOYEB_API_KEY}", "")
        async with Client(process.mcp) as agent:
            for tool in await tools_of(agent):
                arguments = {"id": "x"} if "id" in tool.input_schema.get("required", ()) else {}
                result = await agent.call_tool(tool.name, arguments)
                assert not result.is_error
                assert result.structured_content["url"].startswith("https://app.koyeb.com/v1/")


@pytest.mark.parametrize(
    ("options", "env"),
    [
        (["--base-uri", "koyeb-instances=http://mirror.test/api"], {}),
        (["--base-uri", "koyeb-*=http://mirror.test/api/"], {}),
        ([], {"NAFTIKO_BASE_URI": "koyeb-instances=http://mirror.test/api other=http://x.test"}),
        (
            ["--base-uri", "koyeb-instances=http://mirror.test/api"],
            {"NAFTIKO_BASE_URI": "koyeb-instances=http://no.test"},
        ),
    ],
    ids=["option", "pattern", "environment", "option over environment"],
)
def test_base_uri(options, env):
    with served(FIRST, *FREE, "--mock", *options, env=env) as process:
        assert made_request(process)["url"] == "http://mirror.test/api/v1/instances?limit=2"


def authorized(koyeb, *options: str, env: dict[str, str] | None = None, cwd=None) -> str | None:
    """The Authorization header that reaches Koyeb."""
    koyeb.clear()
    with served(FIRST, *FREE, "--base-uri", f"koyeb-instances={koyeb.url}", *options, env=env, cwd=cwd) as process:
        get(process.rest + ROUTE)
        assert process.stop() == 0
    return koyeb.requests[0].headers.get("authorization") if koyeb.requests else None


@pytest.mark.parametrize(
    ("options", "env", "token"),
    [
        (["--var", "KOYEB_API_KEY=from-option"], {"KOYEB_API_KEY": "from-process"}, "from-option"),
        ([], {"NAFTIKO_ENV_FILE": "my.env"}, "from-file"),
    ],
)
def test_variables(koyeb, tmp_path, options, env, token):
    """Of a process; each way is tested in tests/cli/test_variables_given.py."""
    (tmp_path / "my.env").write_text("# a comment\nKOYEB_API_KEY='from-file'\n")
    seen = authorized(koyeb, *options, env=env, cwd=tmp_path)
    assert seen == f"Bearer {token}"


def test_auth_for_an_entry_that_has_none(koyeb):
    koyeb.clear()
    options = ["--base-uri", f"koyeb-instances={koyeb.url}", "--auth", "koyeb-*=bearer:{{env.OTHER}}"]
    with served(SEED, *FREE, *options, env={"OTHER": TOKEN}) as process:
        assert get(process.rest + ROUTE).status_code == 200
    assert koyeb.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_settings_file(koyeb, tmp_path):
    """``naftiko.toml`` of the working directory is below environment and options."""
    (tmp_path / "naftiko.toml").write_text(
        f"[base-uri]\nkoyeb-instances = '{koyeb.url}'\n[var]\nKOYEB_API_KEY = '{TOKEN}'\n"
        "[serve]\nport = {rest = 0, mcp = 0}\ntimeout = 3\nlog-format = 'json'\n"
    )
    with served(FIRST, cwd=tmp_path, ready=('"adapter": "rest"', '"adapter": "mcp"')) as process:
        url = json.loads(process.lines[0])["url"]
        assert get(url + ROUTE).json()["count"] == len(koyeb.instances)


def test_every_option_is_also_an_environment_variable():
    """The help names the variable of each option, and the variable works: here all of them at once."""
    shown = run("serve", "--help").stdout
    options = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", shown, re.MULTILINE)) - {"help"}
    named = set(re.findall(r"NAFTIKO_[A-Z_]+", shown))
    assert named >= {f"NAFTIKO_{option.upper().replace('-', '_')}" for option in options}
    rest, mcp = free_port(), free_port()
    env = {
        "NAFTIKO_HOST": "127.0.0.1",
        "NAFTIKO_PORT": f"rest={rest} mcp={mcp}",
        "NAFTIKO_MOCK": "1",
        "NAFTIKO_PREFIX": "1",
        "NAFTIKO_TIMEOUT": "5",
        "NAFTIKO_STRICT": "1",
        "NAFTIKO_LOG_FORMAT": "json",
        "NAFTIKO_LOG_LEVEL": "debug",
        "NAFTIKO_CORS_ORIGIN": "https://app.example",
        "NAFTIKO_ALLOW_HOST": "mcp.example",
        "NAFTIKO_ALLOW_ORIGIN": "https://app.example",
        "NAFTIKO_TRANSPORT": "http",
    }
    with served(FIRST, env=env, ready=('"adapter": "rest"', '"adapter": "mcp"')):
        base = f"http://127.0.0.1:{rest}/koyeb-instances"
        answer = get(base + ROUTE, headers={"origin": "https://app.example"})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
        named_host = {**headers, "host": "mcp.example", "origin": "https://app.example"}
        url = f"http://127.0.0.1:{mcp}/mcp"
        evil_host = {**headers, "host": "evil.example"}
        assert httpx.post(url, json=call, headers=named_host, trust_env=False, timeout=LIMIT).status_code == 200
        assert httpx.post(url, json=call, headers=evil_host, trust_env=False, timeout=LIMIT).status_code == 421


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "missing: KOYEB_API_KEY"),
        (("call: koyeb-instances.getinstance", "call: koyeb-instances.getinstances"), "getinstance"),
    ],
    ids=["a missing variable", "a broken call"],
)
def test_strict_refuses_to_start(tmp_path, change, words):
    file = tmp_path / "capability.yaml"
    text = FIRST.read_text("utf-8")
    file.write_text(text.replace(*change, 1) if change else text, "utf-8")
    env = {"KOYEB_API_KEY": TOKEN} if change else {}
    done = run("serve", str(file), *FREE, "--strict", env=env)
    assert done.returncode == 1
    assert words in done.stderr
    assert "--strict: not started" in done.stderr
    assert done.stdout == ""


def test_a_broken_unit_leaves_the_rest_of_its_file(tmp_path, koyeb):
    file = tmp_path / "capability.yaml"
    text = FIRST.read_text("utf-8").replace("call: koyeb-instances.getinstance", "call: koyeb-instances.no-such", 1)
    file.write_text(text, "utf-8")
    options = [*FREE, "--base-uri", f"koyeb-instances={koyeb.url}"]
    with served(file, *options, env={"KOYEB_API_KEY": TOKEN}) as process:
        assert "4 routes (1 not executable)" in process.lines[0]
        assert any("no-such" in line and "capability.yaml:" in line for line in process.errors)
        answer = get(f"{process.rest}/v1/v1/instances/x")
        assert (answer.status_code, answer.json()["type"]) == (501, "urn:naftiko:problem:not-executable")
        assert get(process.rest + ROUTE).status_code == 200
        assert process.stop() == 0


def test_json_lines_parse_and_hide_secrets(koyeb):
    """Each line of stdout and stderr is a JSON object, also those of failed calls; the token is in none of them."""
    token = TOKEN + "-wrong"
    options = ["--base-uri", f"koyeb-instances={koyeb.url}", "--log-format", "json", "--log-level", "debug"]
    with served(FIRST, *FREE, *options, env={"KOYEB_API_KEY": token}, ready=('"adapter": "mcp"',)) as process:
        lines = [json.loads(line) for line in process.lines]
        assert [line["adapter"] for line in lines] == ["rest", "mcp"]
        rest = lines[0]["url"]
        koyeb.misbehave(lambda request: {"echo": dict(request.headers)}, times=1)
        get(rest + ROUTE)
        assert get(rest + ROUTE).status_code == 502
        assert get(f"{rest}/v1/v1/instances/{token}").status_code == 502
        assert process.stop() == 0
    for line in [*process.lines, *process.errors]:
        entry = json.loads(line)
        assert {"time", "level", "message"} <= set(entry)
    assert any("refused" in line for line in process.errors)
    assert token not in process.said()


def test_naftiko_file_is_naftiko_serve_file():
    with served(SEED, *FREE, "--mock", command=()) as process:
        assert made_request(process)["method"] == "GET"


def test_without_arguments_the_directory_capabilities_is_served(tmp_path):
    (tmp_path / "capabilities").mkdir()
    (tmp_path / "capabilities" / "one.yaml").write_text(SEED.read_text("utf-8"), "utf-8")
    with served(*FREE, "--mock", cwd=tmp_path) as process:
        assert made_request(process)["method"] == "GET"
    done = run("serve", cwd=tmp_path / "capabilities")
    assert done.returncode == 2
    assert "name a capability file or a directory of them" in done.stderr
