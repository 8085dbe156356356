"""A consumed API with authentication, called as the engine calls it: once, and once more after a 401."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from naftiko.engine.authentication import Credential, Means, credential
from naftiko.engine.capability import loads
from naftiko.engine.request import Draft
from naftiko.engine.settings import Settings
from naftiko.engine.transport import Limits, Transport, fetch
from naftiko.expression.scope import Scope

LIMITS = Limits(connect=10, read=3, total=6)

CAPABILITY = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - {{type: rest, port: 8080, namespace: shop, resources: []}}
  consumes:
    - type: http
      namespace: {namespace}
      baseUri: {base}
      authentication:
{authentication}
      resources:
        - path: /ships
          operations: [{{name: list-ships, method: GET}}]
"""


@dataclass
class Api:
    """The API, with its credential."""

    base: str
    transport: Transport
    credential: Credential

    async def fetch(self, request: httpx.Request) -> httpx.Response:
        return await fetch(self.transport, request, LIMITS)

    async def call(self, method: str = "GET", path: str = "/ships") -> httpx.Response:
        url = f"{self.base}{path}"
        request = await self._proved(method, url)
        response = await self.fetch(request)
        if response.status_code == 401 and await self.credential.retry(request, response):
            request = await self._proved(method, url)
            response = await self.fetch(request)
        return response

    async def _proved(self, method: str, url: str) -> httpx.Request:
        proof = await self.credential.prove(Draft(method, url, []))
        return httpx.Request(method, url, headers=list(proof.headers))


@asynccontextmanager
async def api(
    base: str, authentication: str, environment: Mapping[str, str] | None = None, namespace: str = "my-shipyard.v2"
) -> AsyncIterator[Api]:
    """Load a capability whose API at ``base`` has an ``authentication`` block, and give the API."""
    block = textwrap.indent(textwrap.dedent(authentication).strip(), " " * 8)
    text = CAPABILITY.format(namespace=namespace, base=base, authentication=block)
    capability = loads(text, settings=Settings(environment=environment or {}))
    async with Transport(LIMITS) as transport:

        async def send(request: httpx.Request) -> httpx.Response:
            return await fetch(transport, request, LIMITS)

        made = credential(Means(capability.plan.apis[namespace], Scope({}, capability.variables), send))
        assert made is not None
        yield Api(base, transport, made)
