"""Raw ASGI with an aiohttp session: the practical limit."""

import os

import aiohttp

UPSTREAM = os.environ["UPSTREAM"]
session: aiohttp.ClientSession | None = None


async def app(scope, receive, send):
    global session  # noqa: PLW0603  # one session for the process, made on its loop
    if scope["type"] != "http":
        return
    if session is None:
        connector = aiohttp.TCPConnector(limit=50)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
    body = b""
    if scope["method"] == "POST":
        body = (await receive()).get("body", b"")
    async with session.request(scope["method"], UPSTREAM + scope["path"], data=body or None) as answer:
        content = await answer.read()
        headers = [
            (b"content-type", answer.headers.get("content-type", "").encode()),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
