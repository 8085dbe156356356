"""An authorization server and the API that it protects, in one stand-in."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_plus

from outbound import Api
from starlette.responses import JSONResponse

from naftiko.testing import Answer, RecordedRequest, StandInUpstream

CLIENT = {"MY_SHIPYARD_V2_CLIENT_ID": "id:1", "MY_SHIPYARD_V2_CLIENT_SECRET": "s3cret %&+ü"}
SECRET = CLIENT["MY_SHIPYARD_V2_CLIENT_SECRET"]


@dataclass
class Server:
    """An authorization server and the API that it protects, in one.

    Attributes:
        methods: how clients may prove themselves here.
        life: ``expires_in`` of its tokens.
        valid: the tokens that the API takes.
        asked: the forms of the token requests.
        delay: seconds that a token takes.
    """

    methods: set[str] = field(default_factory=lambda: {"basic", "post"})
    life: object = 3600
    valid: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    delay: float = 0
    kind: object = "Bearer"
    upstream: StandInUpstream = field(default_factory=StandInUpstream)

    def __post_init__(self) -> None:
        self.upstream.on("POST", "/token", self._token)
        self.upstream.on("GET", "/ships", self._ships)

    async def _token(self, request: RecordedRequest) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.text, strict_parsing=True).items()}
        given = request.headers.get("authorization", "")
        if given.startswith("Basic "):
            name, _, secret = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
            form |= {"by": "basic", "id": unquote_plus(name), "secret": unquote_plus(secret)}
        else:
            form |= {"by": "post", "id": form.pop("client_id", ""), "secret": form.pop("client_secret", "")}
        self.asked.append(form)
        await asyncio.sleep(self.delay)
        if form["by"] not in self.methods or (form["id"], form["secret"]) != ("id:1", SECRET):
            return JSONResponse({"error": "invalid_client", "error_description": f"not {form['secret']}"}, 401)
        token = f"token-{len(self.asked)}"
        self.valid.add(token)
        answer = {"access_token": token, "token_type": self.kind, "expires_in": self.life}
        return {name: value for name, value in answer.items() if value is not None}

    def _ships(self, request: RecordedRequest) -> Answer:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.valid:
            return JSONResponse({"error": "no"}, 401, {"www-authenticate": 'Bearer error="invalid_token"'})
        return {"token": token}

    def block(self, **more: str) -> str:
        return "\n".join(
            [
                "type: oauth2",
                f"tokenEndpoint: {self.upstream.url}/token",
                *(f"{key}: {value}" for key, value in more.items()),
            ]
        )

    @property
    def paths(self) -> list[str]:
        return [request.raw_path for request in self.upstream.requests]


async def used(shipyard: Api) -> str:
    """Call the API; return the token it was called with."""
    response = await shipyard.call()
    assert response.status_code == 200
    return str(response.json()["token"])
