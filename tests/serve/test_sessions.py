"""``--stateful``: a session is its opener's, sessions are bounded, and one process has them; the real command."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from raw_http import ask
from served import served

from naftiko.cli.application import application
from naftiko.testing.identity import StandInIdentityProvider

VERSION = {"MCP-Protocol-Version": "2025-06-18"}
OPEN = {
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
FILE = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: tools
      port: 9090
      {authentication}
      tools: [{{name: hello, description: Greets., outputParameters: [{{name: greeting, type: string, value: Hello}}]}}]
"""


@pytest.fixture(scope="module")
def identity():
    with StandInIdentityProvider(audience="https://mcp.example.com/mcp", algorithm="ES256") as identity:
        yield identity


@pytest.fixture(scope="module")
def site(tmp_path_factory, identity):
    """A server with tokens, and place for 8 sessions."""
    path = tmp_path_factory.mktemp("sessions") / "tools.yaml"
    how = {"type": "oauth2", "authorizationServerUri": identity.url, "resource": "https://mcp.example.com/mcp"}
    path.write_text(FILE.format(authentication=f"authentication: {json.dumps(how)}"))
    with served(path, "--port", "*=0", "--stateful", "--max-sessions", "8", ready=("mcp ",)) as running:
        yield running


class Caller:
    """Who calls with a token, of its own or renewed."""

    def __init__(self, site, token: str = "") -> None:
        self.url = site.mcp
        self.path = "/mcp"
        self.authorization = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, message=None, session: str = "", method: str = "POST"):
        headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            **({"Mcp-Session-Id": session, **VERSION} if session else {}),
            **self.authorization,
        }
        body = b"" if message is None else json.dumps({"jsonrpc": "2.0", "id": 1, **message}).encode()
        return ask(self.url, method, self.path, headers, body)

    def open(self) -> str:
        answer = self.send(OPEN)
        assert answer.status == 200, answer
        return answer.head.partition("mcp-session-id: ")[2].split("\r\n")[0]

    def lists(self, session: str) -> int:
        return self.send({"method": "tools/list"}, session).status


def test_a_session_is_there_for_its_opener_alone(site, identity):
    alice, bob = Caller(site, identity.token(sub="alice")), Caller(site, identity.token(sub="bob"))
    session = alice.open()
    unknown = bob.send({"method": "tools/list"}, "0" * 32)
    foreign = bob.send({"method": "tools/list"}, session)
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body)
    assert foreign.status == 404
    large = {"method": "tools/call", "params": {"name": "hello", "arguments": {"list": [1] * 20_000}}}
    assert bob.send(large, session).status == 404
    assert alice.send(large, session).status == 200
    assert bob.send(session=session, method="DELETE").status == 404
    assert bob.send(session=session, method="GET").status == 404
    assert Caller(site).lists(session) == 401
    renewed = Caller(site, identity.token(sub="alice", jti="another", exp=9_999_999_999))
    assert renewed.lists(session) == 200
    assert alice.send(session=session, method="DELETE").status == 200
    assert alice.lists(session) == 404


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"sub": "carol"}, {"sub": "carol", "client_id": "another"}),
        ({"sub": "carol", "azp": "a"}, {"sub": "carol", "azp": "b"}),
        ({"sub": None, "name": "carol"}, {"sub": None, "name": "dave"}),
    ],
    ids=["another client", "another party", "nobody's tokens"],
)
def test_another_credential_is_another_caller(site, identity, one, other):
    opener, caller = Caller(site, identity.token(**one)), Caller(site, identity.token(**other))
    session = opener.open()
    assert caller.lists(session) == 404
    assert opener.lists(session) == 200
    opener.send(session=session, method="DELETE")


def test_above_the_limit_the_idle_sessions_of_who_has_most_end(site, identity):
    alice, mallory = Caller(site, identity.token(sub="alice")), Caller(site, identity.token(sub="mallory"))
    session = alice.open()
    opened = [mallory.open() for _ in range(20)]
    assert alice.lists(session) == 200
    statuses = [mallory.lists(each) for each in opened]
    assert statuses == [404] * 13 + [200] * 7
    assert sum("8 sessions are open" in line for line in site.errors) == 1


def test_all_servers_of_a_port_share_the_number_of_their_sessions(tmp_path):
    """Each capability has a server of its own beside the one of all."""
    for name in ("one", "two", "three"):
        text = FILE.format(authentication="").replace("namespace: tools", f"namespace: {name}")
        (tmp_path / f"{name}.yaml").write_text(text)
    options = ("--port", "mcp=0", "--prefix", "--stateful", "--max-sessions", "4")
    with served(tmp_path, *options, ready=("all 3 tools",)) as running:
        url = running.url("mcp", "one")
        callers = [Caller(running) for _ in range(3)]
        opened = []
        for caller, name in zip(callers, ("one", "two", "three"), strict=True):
            caller.url, caller.path = url, f"/{name}/mcp"
            opened += [(caller, caller.open()) for _ in range(3)]
        assert [caller.lists(session) for caller, session in opened] == [404] * 5 + [200] * 4


def test_several_workers_and_sessions_do_not_go_together(tmp_path):
    path = tmp_path / "tools.yaml"
    path.write_text(FILE.format(authentication=""))
    done = CliRunner().invoke(application, ["serve", str(path), "--stateful", "--workers", "2"])
    assert done.exit_code == 2
    assert "--stateful" in done.output
    assert "--workers 2" in done.output
