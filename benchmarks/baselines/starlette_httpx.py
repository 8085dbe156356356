"""A bare Starlette route with a default httpx.AsyncClient."""

import os

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

UPSTREAM = os.environ["UPSTREAM"]
client = httpx.AsyncClient(timeout=30)


async def pass_on(request: Request) -> Response:
    answer = await client.request(request.method, UPSTREAM + request.url.path, content=await request.body())
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


app = Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST"])])
