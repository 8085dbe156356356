"""``naftiko inspect``: what a file exposes and what it calls, never a secret."""

from __future__ import annotations

import json
from pathlib import Path


def test_every_route_and_tool_with_inputs_and_upstream_call(run, tickets):
    done = run("inspect", tickets)
    assert (done.returncode, done.stderr) == (0, "")
    assert "consumes helpdesk  https://helpdesk.test/api/v2  (bearer)" in done.stdout
    assert "exposes helpdesk-rest  rest at 127.0.0.1:8080" in done.stdout
    assert "exposes helpdesk-mcp  mcp at 127.0.0.1:9090" in done.stdout
    assert (
        "  GET /tickets  list-tickets\n    List tickets\n    -> GET https://helpdesk.test/api/v2/tickets\n"
        "      status  query  string   optional  Only tickets in this state\n"
        "      page    query  integer  optional\n"
    ) in done.stdout
    assert "    -> ticket: GET https://helpdesk.test/api/v2/tickets/{ticket_id}\n" in done.stdout


def test_json_has_the_documented_shape(run, tickets):
    data = json.loads(run("inspect", tickets, "--format", "json").stdout)
    assert list(data) == ["file", "label", "description", "version", "consumes", "uses", "exposes"]
    assert data["uses"] == {
        "variables": [{"name": "HELPDESK_TOKEN", "source": "HELPDESK_API_TOKEN", "targets": ["helpdesk.test"]}],
        "files": [],
    }
    assert data["consumes"] == [
        {"namespace": "helpdesk", "baseUri": "https://helpdesk.test/api/v2", "authentication": "bearer"}
    ]
    rest, mcp = data["exposes"]
    assert list(rest) == ["type", "namespace", "transport", "address", "port", "authentication", "units"]
    assert (mcp["type"], mcp["port"], len(mcp["units"])) == ("mcp", 9090, 3)
    unit = next(unit for unit in rest["units"] if unit["name"] == "get-ticket")
    assert unit["upstream"] == [
        {"method": "GET", "url": "https://helpdesk.test/api/v2/tickets/{ticket_id}", "operation": "helpdesk.get-ticket"}
    ]
    assert unit["inputs"] == [
        {
            "name": "ticket_id",
            "alias": "ticket_id",
            "in": "path",
            "type": "string",
            "required": True,
            "description": None,
        }
    ]


def test_what_is_not_executable_is_listed_with_its_reason(run, broken):
    done = run("inspect", broken / "unknown-call.yaml")
    assert done.returncode == 0
    assert "not executable: `helpdesk` has no operation `close`" in done.stdout
    assert done.stderr == "note: the file has 3 errors; see: naftiko validate\n"


def test_a_file_that_is_no_capability_exits_1(run, broken):
    done = run("inspect", broken / "bad-indent.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "[yaml-syntax]" in done.stderr


def test_variables_say_what_is_missing_and_never_a_value(run, tickets):
    done = run("inspect", tickets, "--variables")
    assert done.stdout.startswith("HELPDESK_TOKEN  missing  needed by helpdesk")
    assert "set HELPDESK_API_TOKEN" in done.stdout
    done = run("inspect", tickets, "--variables", "--format", "json", env={"HELPDESK_API_TOKEN": "swordfish"})
    assert json.loads(done.stdout)[0]["set"] is True
    assert "swordfish" not in done.stdout


def test_secrets_of_the_command_line_are_not_shown(run, tickets):
    done = run("inspect", tickets, "--auth", "helpdesk=apikey:query:k:swordfish")
    assert "(apikey)" in done.stdout
    assert "swordfish" not in done.stdout + done.stderr


def test_a_shortened_tool_name_is_shown_with_the_real_one(run, tmp_path):
    name = "get-the-ticket-with-all-its-comments-attachments-agents-and-followers"
    (tmp_path / "a.yaml").write_text(
        f"naftiko: 1.0.0-alpha2\nexposes:\n- type: mcp\n  namespace: m\n  tools:\n  - name: {name}\n"
        "    outputParameters: [{value: a}]\n"
    )
    shown = run("inspect", "a.yaml").stdout
    assert f"{name}  (shown as get-the-ticket" in shown
    assert "-> nothing: the answer is made of the file (a mock)" in shown


def test_a_missing_file_is_one_clear_line(run):
    done = run("inspect", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr


def test_what_callers_may_keep_is_shown(run):
    file = Path(__file__).parents[2] / "examples/cached.yaml"
    shown = run("inspect", file)
    assert "callers may keep it: public, max-age=30, vary Accept-Language, etag" in shown.stdout
    assert "cache (of the operation): ttl 1m" in shown.stdout
    data = json.loads(run("inspect", file, "--format", "json").stdout)
    route = data["exposes"][0]["units"][0]
    assert route["cache"] == {
        "control": "public, max-age=30",
        "vary": ["Accept-Language"],
        "etag": True,
        "propagate": False,
    }


def test_what_nobody_is_to_see_is_shown(run, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "naftiko: 1.0.0-alpha5\ncapability:\n  consumes:\n"
        '  - {namespace: a, type: http, baseUri: "https://api.test",\n'
        "     resources: [{path: /x, operations: [{name: o, method: GET, redact: [$..ssn]}]}]}\n  exposes:\n"
        "  - {type: mcp, namespace: m, port: 1, tools: [{name: t, description: d, call: a.o, redact: [$.b]}]}\n"
    )
    done = run("inspect", file)
    assert "    -> GET https://api.test/x\n         redacted: $..ssn\n      redacted: $.b\n" in done.stdout
    (unit,) = json.loads(run("inspect", file, "--format", "json").stdout)["exposes"][0]["units"]
    assert (unit["redact"], unit["upstream"][0]["redact"]) == (["$.b"], ["$..ssn"])
