"""Made-up tokens before a slow authorization server: who is new waits a moment, who is known doesn't."""

from __future__ import annotations

import asyncio
import json

import httpx
from served import LIMIT, served

from naftiko.testing.identity import StandInIdentityProvider

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: rest
      namespace: front
      port: 8080
      authentication: {authentication}
      resources: [{{path: /r, operations: [{{name: get, method: GET, outputParameters: [{{name: a, type: string, value: b}}]}}]}}]
"""


async def test_120_made_up_tokens_lock_no_new_user_out(tmp_path):
    resource = "http://127.0.0.1:8080/r"
    made = StandInIdentityProvider(audience=resource, algorithm="ES256", client_id="cid", client_secret="secret-1234")
    with made as identity:

        async def late(request):
            await asyncio.sleep(0.3)
            return identity._introspect(request)

        how = {
            "type": "oauth2",
            "authorizationServerUri": identity.url,
            "resource": resource,
            "tokenValidation": "introspection",
            "clientId": "cid",
            "clientSecret": "secret-1234",
        }
        path = tmp_path / "front.yaml"
        path.write_text(FILE.format(authentication=json.dumps(how)))
        known, new = identity.opaque_token(), identity.opaque_token()
        with served(path, "--port", "rest=0", ready=("rest ",)) as running:
            async with httpx.AsyncClient(base_url=running.rest, trust_env=False, timeout=LIMIT) as client:

                async def status(token: str) -> int:
                    return (await client.get("/r", headers={"Authorization": f"Bearer {token}"})).status_code

                assert await status(known) == 200
                identity.misbehave(late, path="/introspect")
                flood = [asyncio.create_task(status(f"made-up-{at}")) for at in range(99)]
                await asyncio.sleep(0.1)
                flood += [asyncio.create_task(status(f"more-{at}")) for at in range(21)]
                assert await asyncio.gather(status(new), status(known)) == [200, 200]
                assert set(await asyncio.gather(*flood)) == {401}
