"""``naftiko call``: one operation or tool, against an upstream on a real socket."""

from __future__ import annotations

import json

import pytest
from starlette.responses import JSONResponse, Response

from naftiko.testing import StandInUpstream, refused_url

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def upstream():
    made = StandInUpstream()
    made.on("GET", "/tickets", {"tickets": [{"id": 7, "subject": "No tea"}]})
    made.on("GET", "/tickets/{id}", {"id": 7, "subject": "No tea", "agent_id": 2, "tags": [{"name": "tea"}]})
    made.on("GET", "/agents", [{"id": 1, "name": "Arthur"}, {"id": 2, "name": "Ford"}])
    made.on("POST", "/tickets", {"id": 8})
    with made:
        yield made


@pytest.fixture
def call(run, tickets, upstream):
    """Call a unit of the helpdesk with its token set."""

    def naftiko(*arguments, env=None):
        base = ("--base-uri", f"helpdesk={upstream.url}")
        return run("call", tickets, *arguments, *base, env={"HELPDESK_API_TOKEN": TOKEN, **(env or {})})

    return naftiko


def test_as_a_process(process, tickets, upstream):
    """The whole way once: arguments, environment, streams, exit codes."""
    settings = {"HELPDESK_API_TOKEN": TOKEN, "NAFTIKO_BASE_URI": f"helpdesk={upstream.url}"}
    done = process("call", tickets, "get-ticket", "ticket_id=7", "--format", "json", env=settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"subject":"No tea","tags":["tea"]}\n', "")
    done = process("call", tickets, "get-ticket", env=settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the inputs are not valid\n  `ticket_id` is required\n"


def test_an_answer_is_indented_json_on_stdout(call, upstream):
    done = call("list-tickets", "status=open", "page=2")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"tickets": [{"id": 7, "subject": "No tea"}]}
    assert done.stdout.startswith('{\n  "tickets"')
    (request,) = upstream.requests
    assert request.raw_path == "/tickets"
    assert request.raw_query == "status=open&page=2"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("named", ["get-ticket", "GET /tickets/{ticket_id}", "get /tickets/{ticket_id}"])
def test_a_route_is_named_by_name_or_method_and_path(call, named):
    """Its outputs are mapped, as a REST caller gets them."""
    done = call(named, "ticket_id=7", "--format", "json")
    assert done.stdout == '{"subject":"No tea","tags":["tea"]}\n'


def test_the_tool_of_a_name_is_chosen_by_adapter(call):
    done = call("get-ticket", "ticket_id=7", "--adapter", "mcp", "--format", "json")
    assert json.loads(done.stdout)["agent_id"] == 2


def test_raw_is_the_answer_byte_for_byte(call, upstream):
    upstream.on("GET", "/tickets", Response(b'{"tickets" :  []}\n', media_type="application/json"))
    assert call("list-tickets", "--format", "raw").stdout == '{"tickets" :  []}\n'


def test_json_values_files_and_lists(call, upstream, tmp_path):
    (tmp_path / "subject.txt").write_text("Tea & biscuits")
    call("create-ticket", f"subject=@{tmp_path / 'subject.txt'}", 'tags:=["tea", "milk"]')
    call("create-ticket", "subject=Tea", "tags=tea", "tags=milk")
    bodies = [json.loads(request.body) for request in upstream.requests]
    assert bodies == [
        {"subject": "Tea & biscuits", "tags": ["tea", "milk"]},
        {"subject": "Tea", "tags": ["tea", "milk"]},
    ]


def test_text_is_read_as_the_declared_type(call):
    done = call("list-tickets", "page=two")
    assert done.returncode == 2
    assert "`page` must be an integer" in done.stderr


def test_all_problems_of_the_inputs_come_together(call):
    done = call("create-ticket", "tags:=7", "colour=red")
    assert done.returncode == 2
    assert "`subject` is required" in done.stderr
    assert "there is no input `colour`" in done.stderr
    assert "`tags` must be an array" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get-tickt",), "did you mean `get-ticket`?"),
        (("GET /tikets",), "did you mean `GET /tickets`?"),
        (("list-tickets", "--adapter", "mcp"), "there is no operation or tool `list-tickets` in mcp"),
        (("list-tickets", "status"), "write name=value, name:=json or name=@file"),
        (("list-tickets", "page:={"), "the value of `page:=` is no JSON"),
        (("list-tickets", "status=@nowhere.txt"), "nowhere.txt: no such file or directory"),
    ],
)
def test_what_is_wrong_on_the_command_line_exits_2_and_sends_nothing(call, upstream, arguments, said):
    done = call(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not upstream.requests


def test_an_upstreams_error_goes_to_stderr_with_its_body(call, upstream):
    upstream.on("GET", "/tickets/{id}", JSONResponse({"error": "no such ticket"}, status_code=404))
    done = call("get-ticket", "ticket_id=7")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: helpdesk.get-ticket: the upstream answered 404\n")
    assert "no such ticket" in done.stderr
    assert "help: check the ids in the inputs" in done.stderr


def test_errors_are_json_too(call, upstream):
    upstream.on("GET", "/tickets/{id}", JSONResponse({"error": "no such ticket"}, status_code=404))
    data = json.loads(call("get-ticket", "ticket_id=7", "--format", "json").stderr)
    assert (data["error"], data["status"]) == ("upstream-status", 404)
    assert "no such ticket" in data["body"]


def test_an_upstream_that_echoes_the_token_does_not_show_it(call, upstream):
    upstream.on("GET", "/tickets/{id}", JSONResponse({"error": f"bad token {TOKEN}"}, status_code=403))
    done = call("get-ticket", "ticket_id=7")
    assert TOKEN not in done.stderr
    assert "bad token ***" in done.stderr


def test_no_connection_is_one_clear_line(run, tickets):
    with refused_url() as nobody:
        base = ("--base-uri", f"helpdesk={nobody}")
        done = run("call", tickets, "list-tickets", *base, env={"HELPDESK_API_TOKEN": TOKEN})
    assert done.returncode == 1
    assert "can't be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_variable_stops_the_call(run, tickets, upstream):
    done = run("call", tickets, "list-tickets", "--base-uri", f"helpdesk={upstream.url}")
    assert done.returncode == 1
    assert "HELPDESK_TOKEN" in done.stderr
    assert "set HELPDESK_API_TOKEN" in done.stderr
    assert not upstream.requests


def test_what_is_not_executable_says_why(run, broken):
    done = run("call", broken / "unknown-call.yaml", "close-ticket")
    assert done.returncode == 1
    assert "`helpdesk` has no operation `close`" in done.stderr


def test_a_file_that_is_no_capability_is_told_in_full(run, broken):
    done = run("call", broken / "bad-indent.yaml", "anything")
    assert (done.returncode, done.stdout) == (1, "")
    assert "[yaml-syntax]" in done.stderr


def test_no_content_is_said_on_stderr(call, upstream):
    upstream.on("GET", "/tickets", None)
    done = call("list-tickets")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no content (204)\n")
    assert call("list-tickets", "--format", "json").stdout == "null\n"


def test_bytes_are_not_poured_into_a_terminal(call, upstream):
    upstream.on("GET", "/tickets", Response(b"\x89PNG\x00", media_type="image/png"))
    assert "5 bytes of image/png" in call("list-tickets").stderr
    assert json.loads(call("list-tickets", "--format", "json").stdout) == {
        "mediaType": "image/png",
        "base64": "iVBORwA=",
    }


class TestDryRun:
    """``--dry-run`` shows the request and sends nothing."""

    def test_method_url_headers_and_body_without_secrets(self, call, upstream):
        done = call("create-ticket", "subject=Tea", "--dry-run")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[0] == f"POST {upstream.url}/tickets"
        assert "authorization: Bearer ***" in done.stdout
        assert '"subject": "Tea"' in done.stdout
        assert TOKEN not in done.stdout
        assert not upstream.requests

    def test_as_json(self, call, upstream):
        done = call("list-tickets", "status=open", "--dry-run", "--format", "json")
        assert json.loads(done.stdout) == {
            "method": "GET",
            "url": f"{upstream.url}/tickets?status=open",
            "headers": {"authorization": "Bearer ***"},
        }

    def test_without_the_token_it_works_and_says_what_is_missing(self, run, tickets):
        done = run("call", tickets, "list-tickets", "--dry-run")
        assert done.returncode == 0
        assert "GET https://helpdesk.test/api/v2/tickets" in done.stdout
        assert done.stderr == "note: without a value: HELPDESK_TOKEN; a call would fail\n"

    def test_an_id_cannot_leave_its_segment(self, call, upstream):
        done = call("get-ticket", "ticket_id=a/..b?x#y", "--dry-run")
        assert done.stdout.splitlines()[0] == f"GET {upstream.url}/tickets/a%2F..b%3Fx%23y"

    @pytest.mark.parametrize(
        ("how", "shown"),
        [
            ("apikey:header:X-Desk:swordfish", "x-desk: ***"),
            ("apikey:query:desk:swordfish", "desk=***"),
            ("basic:arthur:swordfish", "authorization: Basic ***"),
            ("bearer:swordfish", "authorization: Bearer ***"),
        ],
    )
    def test_a_credential_of_the_command_line_is_hidden_wherever_it_travels(self, call, how, shown):
        done = call("list-tickets", "--dry-run", "--auth", f"help*={how}")
        assert shown in done.stdout
        assert "swordfish" not in done.stdout + done.stderr

    def test_a_flow_shows_a_request_for_each_call_step(self, call, upstream):
        done = call("ticket-with-agent", "ticket_id=7", "--dry-run")
        assert done.returncode == 0
        assert f"# step ticket\nGET {upstream.url}/tickets/7" in done.stdout
        assert f"# step agents\nGET {upstream.url}/agents" in done.stdout
        assert not upstream.requests
        steps = json.loads(call("ticket-with-agent", "ticket_id=7", "--dry-run", "--format", "json").stdout)["steps"]
        assert list(steps) == ["ticket", "agents"]


class TestExplain:
    """``--explain`` says for each output which expression gave it, and for a null how far the path matched."""

    def test_found_and_missed_outputs(self, call, upstream):
        upstream.on("GET", "/tickets/{id}", {"title": "No tea", "tags": [{"name": "tea"}]})
        done = call("get-ticket", "ticket_id=7", "--explain")
        assert done.returncode == 0
        assert 'tags = ["tea"]\n    from $.tags[*].name' in done.stdout
        assert "subject = null\n    from $.subject" in done.stdout
        assert "$ has no subject: it is an object with title, tags" in done.stdout

    def test_as_json(self, call):
        rows = json.loads(call("get-ticket", "ticket_id=7", "--explain", "--format", "json").stdout)
        assert [(row["output"], row["found"], row["value"]) for row in rows] == [
            ("subject", True, "No tea"),
            ("tags", True, ["tea"]),
        ]

    def test_the_mappings_of_a_flow(self, call):
        done = call("ticket-with-agent", "ticket_id=7", "--explain")
        assert 'subject = "No tea"\n    from $.ticket.subject' in done.stdout
        assert 'agent = "Ford"\n    from $.agent.name' in done.stdout

    def test_a_mapping_that_finds_nothing_names_the_step(self, call, upstream):
        upstream.on("GET", "/tickets/{id}", {"agent_id": 2})
        done = call("ticket-with-agent", "ticket_id=7", "--explain")
        assert "subject = null" in done.stdout
        assert "in step `ticket`" in done.stdout

    def test_an_identity_answer(self, call):
        assert call("list-tickets", "--explain").stdout.startswith('(the answer) = {"tickets"')


def test_mock_answers_with_the_request(call, upstream):
    done = call("list-tickets", "--mock", "--format", "json")
    assert json.loads(done.stdout)["url"] == f"{upstream.url}/tickets"
    assert not upstream.requests


def test_a_name_that_several_routes_have_wants_method_and_path(run, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "naftiko: 1.0.0-alpha2\nexposes:\n- type: rest\n  namespace: r\n  resources:\n"
        "  - path: /a\n    operations: [{name: same, method: GET, outputParameters: [{value: a}]}]\n"
        "  - path: /b\n    operations: [{name: same, method: GET, outputParameters: [{value: b}]}]\n"
    )
    done = run("call", "a.yaml", "same")
    assert done.returncode == 2
    assert '"GET /a", "GET /b"' in done.stderr
    assert run("call", "a.yaml", "GET /b").stdout == "b\n"


def test_a_body_is_passed_on_where_the_operation_declares_none(run, upstream, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "naftiko: 1.0.0-alpha2\nconsumes:\n- namespace: up\n  baseUri: http://up.test\n  resources:\n"
        "  - path: /tickets\n    operations: [{name: open, method: POST}]\n"
        "exposes:\n- type: rest\n  namespace: r\n  resources:\n"
        "  - path: /open\n    operations: [{name: open, method: POST, call: up.open}]\n"
    )
    (tmp_path / "body.xml").write_text("<ticket/>")
    base = ("--base-uri", f"up={upstream.url}")
    run("call", "a.yaml", "open", 'body:={"subject": "Tea"}', *base)
    run("call", "a.yaml", "open", "body=@body.xml", *base)
    json_body, xml_body = upstream.requests
    assert json.loads(json_body.body) == {"subject": "Tea"}
    assert json_body.headers["content-type"] == "application/json"
    assert xml_body.body == b"<ticket/>"
    assert "xml" in xml_body.headers["content-type"]


@pytest.mark.parametrize("adapter", ["rest", "mcp"])
def test_bytes_are_base64_or_a_file(run, upstream, tmp_path, adapter):
    unit = "{name: attach, description: d, call: up.attach}"
    exposed = {
        "mcp": f"- type: mcp\n  namespace: m\n  tools: [{unit}]\n",
        "rest": f"- type: rest\n  namespace: r\n  resources: [{{path: /a, operations: [{unit[:-1]}, method: POST}}]}}]\n",
    }
    (tmp_path / "a.yaml").write_text(
        "naftiko: 1.0.0-alpha2\nconsumes:\n- namespace: up\n  baseUri: http://up.test\n  resources:\n"
        "  - path: /tickets\n    operations:\n    - name: attach\n      method: POST\n"
        "      inputParameters: [{name: data, in: body, type: string, format: binary}]\n"
        f"exposes:\n{exposed[adapter]}"
    )
    (tmp_path / "ship.png").write_bytes(b"\x89PNG\xff")
    base = ("--base-uri", f"up={upstream.url}")
    for given in ("data=iVBORw==", 'data:="iVBORw=="', "data=@ship.png"):
        assert run("call", "a.yaml", "attach", given, *base).returncode == 0
    assert [request.body for request in upstream.requests] == [b"\x89PNG", b"\x89PNG", b"\x89PNG\xff"]
    wrong = run("call", "a.yaml", "attach", "data=hello", *base)
    assert wrong.returncode == 2
    assert "`data` must be base64" in wrong.stderr


def test_an_environment_that_can_not_be_done_is_told_and_a_proxy_leaves_clusters_alone(call, tmp_path):
    """NO_PROXY with a block of addresses keeps the loopback away from the proxy; a missing file of authorities is named."""
    with refused_url() as proxy:
        missing = str(tmp_path / "authorities.pem")
        env = {"HTTP_PROXY": proxy, "NO_PROXY": "10.0.0.0/8,127.0.0.0/8", "SSL_CERT_FILE": missing}
        done = call("list-tickets", env=env)
        assert done.returncode == 0
        assert done.stderr.startswith(f"warning: SSL_CERT_FILE names {missing}, which doesn't exist")
        assert call("list-tickets", "--dry-run", env=env).stderr == ""
        done = call("list-tickets", env={"HTTP_PROXY": proxy, "NO_PROXY": "10.0.0.0/8"})
    assert done.returncode == 1
    assert "through the proxy" in done.stderr


def test_a_socks_proxy_is_told_at_the_start_and_by_the_call(call):
    done = call("list-tickets", env={"ALL_PROXY": "socks5://127.0.0.1:1"})
    assert done.returncode == 1
    assert done.stderr.count("ALL_PROXY names a SOCKS proxy, which isn't spoken here") == 2
    assert "help: name an http or https proxy in HTTPS_PROXY" in done.stderr


class TestRoutes:
    """A route is named as the file has it, its query too; of several the inputs say which is meant (SEMANTICS 6)."""

    ROUTES = """naftiko: 1.0.0-alpha2
consumes:
- namespace: disks
  baseUri: http://127.0.0.1:9
  resources:
  - {path: "/volumes/{n}", operations: [{name: get, method: GET}]}
  - {path: "/volumes/{n}?action=attach", operations: [{name: attach, method: POST}]}
  - {path: /users, operations: [{name: of-user, inputParameters: [{name: user, in: query, required: true}]}]}
  - {path: /orgs, operations: [{name: of-org, inputParameters: [{name: org, in: query, required: true}]}]}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - {path: "/volumes/{n}", operations: [{method: GET, call: disks.get}]}
  - {path: "/volumes/{n}?action=attach", operations: [{method: POST, call: disks.attach}]}
  - {path: /repos, operations: [{name: repos, method: GET, call: disks.of-user}]}
  - {path: /repos, operations: [{name: repos, method: GET, call: disks.of-org}]}
"""

    @pytest.fixture
    def sent(self, run, tmp_path):
        (tmp_path / "disks.yaml").write_text(self.ROUTES)

        def first_line(*arguments):
            done = run("call", tmp_path / "disks.yaml", *arguments, "--dry-run")
            return done.stdout.partition("\n")[0] or done.stderr

        return first_line

    @pytest.mark.parametrize("route", ["POST /volumes/{n}?action=attach", "post /volumes/{id}?action=attach"])
    def test_a_query_belongs_to_the_name(self, sent, route):
        assert sent(route, "n=v1") == "POST http://127.0.0.1:9/volumes/v1?action=attach"
        assert sent("GET /volumes/{n}", "n=v1") == "GET http://127.0.0.1:9/volumes/v1"
        assert "there is no operation" in sent("POST /volumes/{n}", "n=v1")

    @pytest.mark.parametrize("name", ["repos", "GET /repos"])
    def test_the_inputs_tell_two_of_one_path_apart(self, sent, name):
        assert sent(name, "org=o") == "GET http://127.0.0.1:9/orgs?org=o"
        assert sent(name, "user:=7") == "GET http://127.0.0.1:9/users?user=7"
        assert "`user` is required" in sent(name)
