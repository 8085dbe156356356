"""A capability's authentication on a real socket, before an app that says what reached it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import httpx

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.authentication import Authenticated, Guard, guard
from naftiko.expression.scope import Scope
from naftiko.testing.listener import Listener

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: rest
      namespace: site
      port: 8080
      authentication: {authentication}
      resources: []
"""


def made_guard(authentication: Mapping[str, Any], variables: Mapping[str, str] | None = None, **options: Any) -> Guard:
    """Return the guard of a file's adapter, as the linker compiles it; JSON is YAML."""
    text = FILE.format(authentication=json.dumps(authentication))
    capability = naftiko.loads(text, settings=Settings(variables=dict(variables or {}), environment={}))
    plan = capability.adapters[0].plan
    made = guard(plan.model.authentication, plan.secrets, Scope({}, capability.variables), **options)
    assert made is not None
    return made


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer what came through the guard."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    principal = scope.get("naftiko.principal")
    seen = {
        "principal": principal and {"scheme": principal.scheme, "subject": principal.subject},
        "claims": dict(principal.claims) if principal else {},
        "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        "query": scope["query_string"].decode("latin-1"),
        "body": body.decode(),
    }
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


class Site:
    """Serves ``app`` behind the authentication of a file, and calls it."""

    def __init__(
        self,
        authentication: Mapping[str, Any],
        variables: Mapping[str, str] | None = None,
        *,
        exempt: frozenset[str] = frozenset(),
        **options: Any,
    ) -> None:
        made = made_guard(authentication, variables, **options)
        self._listener = Listener(Authenticated(app, made, exempt), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.port}"
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.client.close()
        self._listener.stop()

    def get(self, target: str = "/orders", *authorization: str, headers: Any = (), **options: Any) -> httpx.Response:
        """GET with these ``Authorization`` headers."""
        sent = [*(("Authorization", value) for value in authorization), *headers]
        return self.client.get(target, headers=sent, **options)


def challenges(response: httpx.Response) -> list[str]:
    return response.headers.get_list("www-authenticate")


def assert_refused(response: httpx.Response, status: int, kind: str) -> None:
    """A refusal is a problem document (RFC 9457) that no cache keeps; a 401 has a challenge (RFC 9110, 15.5.2)."""
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"urn:naftiko:problem:{kind}"), problem
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert problem["status"] == status
    assert problem["detail"]
    assert bool(challenges(response)) == (status in (401, 403))
