"""Options over environment over ``naftiko.toml``, joined name by name; .env files; clear words for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from naftiko.cli.settings import Given, SettingsFile, parse_authentication, read_env_file, settings
from naftiko.document.model import (
    ApiKeyAuthentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    OAuth2Authentication,
)


def made(given: Given = Given(), environment: dict[str, str] | None = None, **shared: object):  # noqa: B008  # it is frozen
    return settings(given, SettingsFile(None, shared), environment or {})


def test_an_option_wins_over_the_environment_and_that_over_the_file():
    file = {"base-uri": {"a": "file", "b": "file", "c": "file"}}
    environment = {"NAFTIKO_BASE_URI": "a=environment b=environment"}
    assert made(Given(base_uri=("a=option",)), environment, **file).base_uris == {
        "a": "option",
        "b": "environment",
        "c": "file",
    }


def test_variables_and_authentication_are_joined_the_same_way():
    found = made(
        Given(var=("x=1",), auth=("a=bearer:one",)),
        {"NAFTIKO_VAR": "x=0 y=2", "NAFTIKO_AUTH": "a=bearer:zero b=basic:u:p"},
        var={"z": "3"},
        auth={"c": "digest:u:p"},
    )
    assert found.variables == {"x": "1", "y": "2", "z": "3"}
    assert {name: type(how) for name, how in found.authentication.items()} == {
        "a": BearerAuthentication,
        "b": BasicAuthentication,
        "c": DigestAuthentication,
    }


def test_lists_and_paths():
    assert made(Given(comma_arrays=("a",)), {"NAFTIKO_COMMA_ARRAYS": "b c"}).comma_arrays == ("a",)
    assert made(Given(), {"NAFTIKO_COMMA_ARRAYS": "b c"}, **{"comma-arrays": ["d"]}).comma_arrays == ("b", "c")
    assert made(Given(), {}, **{"comma-arrays": ["d"]}).comma_arrays == ("d",)
    assert made(Given(import_root="x"), {"NAFTIKO_IMPORT_ROOT": "y"}).import_root == Path("x")
    assert made(Given(), {"NAFTIKO_IMPORT_ROOT": "y"}, **{"import-root": "z"}).import_root == Path("y")


def test_paths_of_a_settings_file_are_seen_from_its_directory(tmp_path):
    (tmp_path / ".env").write_text("NAME=value\n")
    file = SettingsFile(tmp_path / "naftiko.toml", {"env-file": [".env"], "import-root": ".."})
    found = settings(Given(), file, {})
    assert found.import_root == tmp_path / ".."
    assert found.environment is not None
    assert found.environment["NAME"] == "value"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bearer:{{env.TOKEN}}", BearerAuthentication(token="{{env.TOKEN}}")),
        ("bearer:a:b", BearerAuthentication(token="a:b")),
        ("basic:arthur:dent:42", BasicAuthentication(username="arthur", password="dent:42")),
        ("basic:arthur:", BasicAuthentication(username="arthur", password="")),
        ("digest:u:p", DigestAuthentication(username="u", password="p")),
        ("apikey:header:X-Key:a:b", ApiKeyAuthentication(key="X-Key", value="a:b", placement="header")),
        ("apikey:query:key:v", ApiKeyAuthentication(key="key", value="v", placement="query")),
        ("apikey:cookie:sid:v", ApiKeyAuthentication(key="sid", value="v", placement="cookie")),
        ("apikey:body:api_key:{{K}}", ApiKeyAuthentication(key="api_key", value="{{K}}", placement="body")),
        ("apikey:path:token:1:2", ApiKeyAuthentication(key="token", value="1:2", placement="path")),
        (
            "oauth2:{{ID}}:{{SECRET}}:https://login.example:8443/token",
            OAuth2Authentication(
                client_id="{{ID}}", client_secret="{{SECRET}}", token_endpoint="https://login.example:8443/token"
            ),
        ),
        ("none", None),
        ("Bearer:x", BearerAuthentication(token="x")),
    ],
)
def test_the_forms_of_authentication(text, expected):
    assert parse_authentication(text, "shop") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "swordfish",
        "bearer:",
        "basic:swordfish",
        "apikey:swordfish",
        "apikey:trailer:k:swordfish",
        "apikey:body:k:",
        "none:swordfish",
        "oauth2:client:swordfish",
        "oauth2::swordfish:http://t",
        "apikey:header:k:",
    ],
)
def test_another_form_is_refused_without_showing_it(text):
    with pytest.raises(click.UsageError) as error:
        parse_authentication(text, "shop")
    assert "--auth shop=…" in str(error.value)
    assert "swordfish" not in str(error.value)


def test_a_pair_without_equals_does_not_show_a_value():
    with pytest.raises(click.UsageError, match="--var wants NAME=VALUE"):
        made(Given(var=("NAME",)))


class TestEnvFile:
    def test_lines_quotes_comments_and_exports(self, tmp_path):
        path = tmp_path / ".env"
        path.write_text(
            "# a comment\n\nA=1\nexport B = two words \nC='single # $X'\nD=\"double\\n\"\nE=\nF=a=b # comment\nG=pa${A}ss\n"
        )
        assert read_env_file(path) == {
            "A": "1",
            "B": "two words",
            "C": "single # $X",
            "D": "double\n",
            "E": "",
            "F": "a=b",
            "G": "pa${A}ss",
        }

    def test_a_line_that_is_none_is_told_by_number_without_its_text(self, tmp_path):
        path = tmp_path / ".env"
        path.write_text("A=1\nswordfish\n")
        with pytest.raises(click.UsageError, match=r"line 2: not a line such as NAME=VALUE") as error:
            read_env_file(path)
        assert "swordfish" not in str(error.value)

    def test_a_missing_file_is_told(self, tmp_path):
        with pytest.raises(click.UsageError, match="no such file"):
            read_env_file(tmp_path / "nothing")

    def test_the_process_environment_wins(self, run, tickets, tmp_path):
        (tmp_path / ".env").write_text("HELPDESK_API_TOKEN=from-the-file\nNAFTIKO_BASE_URI=helpdesk=http://file.test\n")
        arguments = ("call", tickets, "list-tickets", "--dry-run", "--env-file", ".env")
        assert "GET http://file.test/tickets" in run(*arguments).stdout
        assert run(*arguments).stderr == ""
        done = run(*arguments, env={"NAFTIKO_BASE_URI": "helpdesk=http://process.test"})
        assert "GET http://process.test/tickets" in done.stdout


class TestSettingsFile:
    def test_the_working_directorys_is_read(self, run, tickets, tmp_path):
        (tmp_path / "naftiko.toml").write_text(
            '[base-uri]\n"help*" = "http://file.test"\n[auth]\nhelpdesk = "apikey:query:key:{{env.KEY}}"\n'
        )
        done = run("call", tickets, "list-tickets", "--dry-run", env={"KEY": "swordfish"})
        assert done.stdout == "GET http://file.test/tickets?key=***\n"

    def test_another_one_by_option_or_environment(self, run, tickets, tmp_path):
        for name in ("one", "two"):
            (tmp_path / f"{name}.toml").write_text(f'[base-uri]\nhelpdesk = "http://{name}.test"\n')
        arguments = ("call", tickets, "list-tickets", "--dry-run")
        assert "http://one.test" in run(*arguments, env={"NAFTIKO_CONFIG": "one.toml"}).stdout
        assert "http://two.test" in run(*arguments, "--config", "two.toml", env={"NAFTIKO_CONFIG": "one.toml"}).stdout

    def test_a_commands_table_holds_defaults_below_environment_and_option(self, run, tickets, tmp_path):
        (tmp_path / "naftiko.toml").write_text('[validate]\nformat = "json"\n')
        assert json.loads(run("validate", tickets).stdout)["version"] == 1
        assert run("validate", tickets, env={"NAFTIKO_VALIDATE_FORMAT": "text"}).stdout.startswith("no problems")
        assert run("validate", tickets, "--format", "text").stdout.startswith("no problems")

    def test_a_table_stands_for_repeated_pairs(self, tickets, tmp_path, monkeypatch):
        """`[serve.port]` is `--port rest=18080 --port mcp=0`."""
        from naftiko.cli.serve import serve

        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("NAFTIKO_PORT", raising=False)
        (tmp_path / "naftiko.toml").write_text("[serve.port]\nrest = 18080\nmcp = 0\n")
        assert serve.make_context("serve", [str(tickets)]).params["port"] == (("rest", 18080), ("mcp", 0))
        option = serve.make_context("serve", [str(tickets), "--port", "rest=1"])
        assert option.params["port"] == (("rest", 1),)

    def test_a_flag_of_a_commands_table(self, run, broken, tmp_path):
        (tmp_path / "naftiko.toml").write_text("[validate]\nstrict = true\n")
        assert run("validate", broken / "unknown-key.yaml").returncode == 1

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("[base-url]\n", "`base-url` is no setting; did you mean `base-uri`?"),
            ("[validate]\nstrct = true\n", "`strct` is no setting of [validate]; did you mean `strict`?"),
            ("validate = 1\n", "`validate` must be a table: [validate]"),
            ("base-uri = 1\n", "`base-uri` must be a table of texts"),
            ("comma-arrays = 1\n", "`comma-arrays` must be a text or a list of texts"),
            ("import-root = 1\n", "`import-root` must be text"),
            ("x = [\n", "naftiko.toml"),
            ('[validate]\nformat = "xml"\n', "xml"),
        ],
    )
    def test_what_is_wrong_in_it_exits_2_with_a_clear_line(self, run, tickets, tmp_path, content, said):
        (tmp_path / "naftiko.toml").write_text(content)
        done = run("validate", tickets)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr

    def test_a_file_that_is_named_must_be_there(self, run, tickets):
        done = run("validate", tickets, "--config", "nowhere.toml")
        assert done.returncode == 2
        assert "nowhere.toml: no such file" in done.stderr
