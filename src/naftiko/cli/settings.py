"""The operator's settings: options over environment over ``naftiko.toml`` (docs/settings.md)."""

from __future__ import annotations

import io
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from naftiko.cli import limits, resilience
from naftiko.document.model import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    DigestAuthentication,
    OAuth2Authentication,
)
from naftiko.document.model.authentication import PLACEMENTS
from naftiko.document.suggest import did_you_mean
from naftiko.engine.settings import Settings
from naftiko.ground.seen import text_of

DEFAULT_FILE = "naftiko.toml"
KEYS = (
    *("base-uri", "var", "auth", "comma-arrays", "env-file", "import-root", "file-root", "allow-env", "deny-env"),
    *("resilience", "limits", "websocket"),
)
"""The keys of ``naftiko.toml`` outside of the commands' tables; each is an option of the same name, ``limits`` is
``--limit``."""
VARIABLES: Final = frozenset(
    f"NAFTIKO_{name}"
    for name in (
        *(key.upper().replace("-", "_") for key in KEYS if key != limits.KEY),
        *("CONFIG", "HANDLE_KEY", "LIMIT", "NONCE_KEY", "SECRETS_DIR"),
        *("VALIDATE_FORMAT", "VALIDATE_STRICT", "VALIDATE_HINTS", "INSPECT_FORMAT", "CALL_FORMAT"),
        *("VALIDATE_SCORE", "VALIDATE_MIN_SCORE", "VALIDATE_BADGE"),
        *("HOST", "PORT", "MOCK", "TIMEOUT", "WORKERS", "STRICT", "PREFIX", "TRANSPORT"),
        *("ALLOW_HOST", "ALLOW_ORIGIN", "CORS_ORIGIN", "TOOLS", "ALLOW_TOOL", "DENY_TOOL"),
        *("ANSWER_BUDGET", "ANSWER_BUDGETS", "DEV", "MAX_CONCURRENCY", "MAX_REQUEST_BYTES", "SERVER_TIMING"),
        *("MEMORY", "DOCUMENT_TIMEOUT"),
        *("MAX_HEAD_BYTES", "MAX_HEAD_FIELDS", "HEAD_TIMEOUT", "BODY_TIMEOUT", "ANSWER_TIMEOUT", "IDLE_TIMEOUT"),
        *("TLS_CERT", "TLS_KEY", "TLS_CLIENT_CA"),
        *("FORWARDED_ALLOW_IPS", "FORWARDED_HEADERS", "ROOT_PATH", "UDS", "UDS_MODE", "GZIP", "GZIP_MIN_SIZE"),
        *("MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS"),
        *("CONTROL", "CONTROL_TOKEN", "CONTROL_PORT", "CONTROL_ADDRESS", "PROBE_PORT", "METRICS_NAMES"),
        *("STATEFUL", "MAX_SESSIONS", "RELOAD", "SHUTDOWN_TIMEOUT", "LOG_FORMAT", "LOG_LEVEL"),
        *("LOG_REPEATS", "ACCESS_LOG", "AUDIT_LOG", "AUDIT_KEY", "VERBOSE"),
        *("TRACE_FILE", "TRACE_VALUES", "TRACE_ALLOW", "TRACE_DENY"),
        *("SHARED", "SHARED_KEY", "SHARED_PREFIX", "SHARED_TIMEOUT", "SHARED_TOKENS"),
        *("UPSTREAM_MAX_CONCURRENT_CALLS", "UPSTREAM_MAX_WAIT_DURATION", "UPSTREAM_OPERATION_SHARE"),
    )
)
"""The environment variables that mean something, beside ``NAFTIKO_VAR_<NAME>`` and
``NAFTIKO_RESILIENCE_<POLICY>_<KEY>``; a test holds them to the options."""
_TABLES = frozenset({"base-uri", "var", "auth"})
_AUTH_FORMS = (
    "bearer:TOKEN, basic:USER:PASSWORD, digest:USER:PASSWORD, apikey:PLACEMENT:NAME:VALUE (header, query, cookie, body "
    "or path), oauth2:CLIENT:SECRET:TOKEN_URL, none"
)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A ``naftiko.toml``.

    Attributes:
        path: the file, or ``None`` for none; relative paths in it are seen from its directory.
        shared: the keys that all commands share.
        commands: the tables of the commands, by command.
    """

    path: Path | None = None
    shared: Mapping[str, Any] = field(default_factory=dict)
    commands: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def resolve(self, written: str) -> Path:
        """Return a path of the file, seen from the file's directory."""
        return Path(written) if self.path is None else self.path.parent / written


@dataclass(frozen=True, slots=True)
class Given:
    """What stands on the command line, unparsed."""

    base_uri: tuple[str, ...] = ()
    var: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    comma_arrays: tuple[str, ...] = ()
    websocket: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()
    import_root: str | None = None
    file_root: tuple[str, ...] = ()
    allow_env: tuple[str, ...] = ()
    deny_env: tuple[str, ...] = ()
    resilience: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()


def read_settings_file(path: Path | None, commands: Iterable[str]) -> SettingsFile:
    """Read a settings file; without a path, ``naftiko.toml`` of the working directory, if there is one.

    Raises:
        click.UsageError: it can't be read, is no TOML, or holds a key that means nothing.
    """
    if path is None:
        path = Path(DEFAULT_FILE)
        if not path.is_file():
            return SettingsFile()
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise click.UsageError(f"{path}: {(error.strerror or 'can not be read').lower()}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    known = (*KEYS, *commands)
    for key in content:
        if key not in known:
            hint = did_you_mean(key, known) or f"known: {', '.join(known)}"
            raise click.UsageError(f"{path}: `{key}` is no setting; {hint}")
    shared = {key: _checked(key, content[key], path) for key in KEYS if key in content}
    tables = {name: content[name] for name in commands if name in content}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise click.UsageError(f"{path}: `{name}` must be a table: [{name}]")
    return SettingsFile(path, shared, tables)


def _checked(key: str, value: Any, path: Path) -> Any:
    if key == resilience.KEY:
        if not isinstance(value, dict):
            raise click.UsageError(f"{path}: `{key}` must be a table: [{key}]")
        return dict(resilience.flat(value))
    if key == limits.KEY:
        if not isinstance(value, dict):
            raise click.UsageError(f"{path}: `{key}` must be a table: [{key}]")
        return dict(limits.flat(value))
    if key in _TABLES:
        if not isinstance(value, dict) or any(isinstance(inner, dict | list) for inner in value.values()):
            raise click.UsageError(f"{path}: `{key}` must be a table of texts: [{key}]")
        return {name: _text(inner) for name, inner in value.items()}
    if key == "import-root":
        if not isinstance(value, str):
            raise click.UsageError(f"{path}: `{key}` must be text")
        return value
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise click.UsageError(f"{path}: `{key}` must be a text or a list of texts")
    return texts


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def command_defaults(file: SettingsFile, command: click.Command) -> dict[str, Any]:
    """Return a command's table as click's ``default_map``, which options and environment win over.

    Raises:
        click.UsageError: a key is no option of the command.
    """
    table = file.commands.get(command.name or "", {})
    by_key = {
        option.removeprefix("--"): parameter
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option.removeprefix("--") not in {*KEYS, "limit", "help", "config"}
    }
    defaults: dict[str, Any] = {}
    for key, value in table.items():
        parameter = by_key.get(key)
        if parameter is None or parameter.name is None:
            hint = did_you_mean(key, by_key) or f"known: {', '.join(by_key)}"
            raise click.UsageError(f"{file.path}: `{key}` is no setting of [{command.name}]; {hint}")
        is_lone = isinstance(parameter, click.Option) and parameter.multiple and not isinstance(value, dict | list)
        defaults[parameter.name] = [_text(value)] if is_lone else _as_option(value)
    return defaults


def _as_option(value: Any) -> Any:
    """A table is what repeated ``NAME=VALUE`` options are."""
    return [f"{name}={_text(inner)}" for name, inner in value.items()] if isinstance(value, dict) else value


def settings(given: Given, file: SettingsFile, environment: Mapping[str, str] | None = None) -> Settings:
    """Join options, environment and settings file; names are joined one by one, the strongest wins each.

    Args:
        given: the command line.
        file: the settings file.
        environment: the process's; for tests.

    Raises:
        click.UsageError: a value is not what its option wants.
    """
    own = os.environ if environment is None else environment
    surroundings = _environment(given, file, own)
    auth = _joined("auth", given.auth, surroundings, file)
    root = given.import_root or surroundings.get("NAFTIKO_IMPORT_ROOT")
    if root is None and "import-root" in file.shared:
        root = str(file.resolve(file.shared["import-root"]))
    commas = given.comma_arrays or tuple(surroundings.get("NAFTIKO_COMMA_ARRAYS", "").split())
    return Settings(
        variables=_joined("var", given.var, surroundings, file),
        environment=surroundings,
        read_environment=_reader(given, file, own, surroundings),
        base_uris=_joined("base-uri", given.base_uri, surroundings, file),
        authentication={name: parse_authentication(text, name) for name, text in auth.items()},
        websockets=_listed("websocket", given.websocket, surroundings, file),
        comma_arrays=commas or tuple(file.shared.get("comma-arrays", ())),
        import_root=Path(root) if root else None,
        file_roots=_file_roots(given, surroundings, file),
        allow_env=_listed("allow-env", given.allow_env, surroundings, file),
        deny_env=_listed("deny-env", given.deny_env, surroundings, file),
        resilience=resilience.policies(_policies(given, surroundings, file)),
        caller_limits=limits.of_callers(_limits(given, surroundings, file)),
    )


def _file_roots(given: Given, environment: Mapping[str, str], file: SettingsFile) -> tuple[Path, ...]:
    """Return the roots; a list in the environment is one as ``PATH`` is, since paths may have blanks."""
    written = given.file_root or tuple(filter(None, environment.get("NAFTIKO_FILE_ROOT", "").split(os.pathsep)))
    return tuple(map(Path, written)) or tuple(file.resolve(name) for name in file.shared.get("file-root", ()))


def _listed(key: str, given: tuple[str, ...], environment: Mapping[str, str], file: SettingsFile) -> tuple[str, ...]:
    variable = f"NAFTIKO_{key.upper().replace('-', '_')}"
    return given or tuple(environment.get(variable, "").split()) or tuple(file.shared.get(key, ()))


def _joined(key: str, given: Iterable[str], environment: Mapping[str, str], file: SettingsFile) -> dict[str, str]:
    variable = f"NAFTIKO_{key.upper().replace('-', '_')}"
    from_environment = _pairs(environment.get(variable, "").split(), variable)
    return {**file.shared.get(key, {}), **from_environment, **_pairs(given, f"--{key}")}


def _policies(given: Given, environment: Mapping[str, str], file: SettingsFile) -> dict[str, str]:
    key = resilience.KEY
    usual = _joined(key, (), environment, file)
    return {**usual, **dict(resilience.of_environment(environment)), **_pairs(given.resilience, f"--{key}")}


def _limits(given: Given, environment: Mapping[str, str], file: SettingsFile) -> dict[str, str]:
    from_environment = _pairs(environment.get("NAFTIKO_LIMIT", "").split(), "NAFTIKO_LIMIT")
    return {**file.shared.get(limits.KEY, {}), **from_environment, **_pairs(given.limit, "--limit")}


def _pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} wants NAME=VALUE, not `{name}`")
        pairs[name.strip()] = value
    return pairs


def parse_authentication(text: str, name: str) -> Authentication | None:
    """Return the authentication that an ``--auth`` value says; values may be templates such as ``{{env.TOKEN}}``.

    Returns:
        the authentication; ``None`` for ``none``, which the file's gives way to.

    Raises:
        click.UsageError: it is none of the known forms; the message doesn't show the value.
    """
    kind, _, rest = text.partition(":")
    kind = kind.strip().lower()
    if kind == "none" and not rest:
        return None
    if kind == "bearer" and rest:
        return BearerAuthentication(token=rest)
    if kind in {"basic", "digest"} and ":" in rest:
        user, _, password = rest.partition(":")
        model = BasicAuthentication if kind == "basic" else DigestAuthentication
        return model(username=user, password=password)
    if kind == "apikey":
        placement, _, pair = rest.partition(":")
        key, colon, value = pair.partition(":")
        if placement in PLACEMENTS and key and colon and value:
            return ApiKeyAuthentication(key=key, value=value, placement=placement)
    if kind == "oauth2" and rest.count(":") > 1:
        client, _, left = rest.partition(":")
        secret, _, url = left.partition(":")
        if client and secret and url:
            return OAuth2Authentication(client_id=client, client_secret=secret, token_endpoint=url)
    raise click.UsageError(f"--auth {name}=… is none of {_AUTH_FORMS}")


def env_files(given: Given, file: SettingsFile, environment: Mapping[str, str]) -> list[Path]:
    """Return the ``.env`` files that are read."""
    named = environment.get("NAFTIKO_ENV_FILE", "").split()
    paths = [Path(name) for name in given.env_file or named]
    return paths or [file.resolve(name) for name in file.shared.get("env-file", ())]


def _environment(given: Given, file: SettingsFile, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the ``.env`` files below it: what the process has wins, as everywhere."""
    values: dict[str, str] = {}
    for path in env_files(given, file, environment):
        values.update(read_env_file(path))
    return {**values, **environment}


def _reader(
    given: Given, file: SettingsFile, environment: Mapping[str, str], known: Mapping[str, str]
) -> Callable[[], Mapping[str, str]] | None:
    """Return what reads the ``.env`` files anew; while one can't be read, what is known of them holds."""
    if not env_files(given, file, environment):
        return None

    def read() -> Mapping[str, str]:
        try:
            return _environment(given, file, environment)
        except click.UsageError:
            return known

    return read


def read_env_file(path: Path) -> dict[str, str]:
    """Read a ``.env`` file. Values are taken as they are: ``${X}`` in a password stays what it is.

    Raises:
        click.UsageError: it can't be read, or a line is no ``NAME=VALUE``.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415  # only where there is such a file

    values: dict[str, str] = {}
    try:
        for binding in parse_stream(io.StringIO(text_of(path).decode("utf-8-sig"), newline=None)):
            if binding.error or (binding.key is not None and binding.value is None):
                raise click.UsageError(f"{path}, line {binding.original.line}: not a line such as NAME=VALUE")
            if binding.key is not None and binding.value is not None:
                values[binding.key] = binding.value
    except OSError as error:
        raise click.UsageError(f"{path}: {(error.strerror or 'can not be read').lower()}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path}: it is not UTF-8") from error
    return values
