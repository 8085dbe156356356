"""An API whose operations may answer with streams; those that don't know nothing of it."""

from __future__ import annotations

from functools import partial
from typing import Final

import httpx

from naftiko.engine.masking import veiled_head
from naftiko.engine.named import named, refused
from naftiko.engine.sending import Outgoing, Send, Target, wrapped
from naftiko.engine.streaming.opening import streams
from naftiko.engine.streaming.ways import Ways
from naftiko.engine.transport import FRAME, MAY_GO, Transport, begun, handshake
from naftiko.engine.transport.whole import Whole
from naftiko.engine.upstream import Upstream
from naftiko.ground.errors import UpstreamError
from naftiko.plan.operation import Operation

_UNAUTHORIZED: Final = 401


class StreamingUpstream(Upstream):
    """Opens the streams of its operations, too."""

    def _wrap(self, operation: Operation) -> None:
        if operation.stream is None:
            super()._wrap(operation)
            return
        target = Target(self.plan.namespace, operation, operation.resilience)
        ways = Ways(self._begun, self._own, self._redactor.veil, self.limits)

        def with_policies(send: Send) -> Send:
            return wrapped(send, self._policies, target)

        self._sends[operation.key] = self.streams[operation.key] = streams(operation, ways, with_policies)
        self._wrapped.add(operation.key)
        self._is_bare = False

    async def _begun(self, outgoing: Outgoing) -> httpx.Response:
        """Send a call's request, once more after a 401 if the credential can do better; see ``Opener.begin``."""
        try:
            request, authorized = await self._authorized(outgoing)
            response = await self._opening(outgoing, request)
            if authorized and response.status_code in self._refusals:
                if await self._can_do_better(request, response):
                    request, _ = await self._authorized(outgoing)
                    response = await self._opening(outgoing, request)
                if response.status_code == _UNAUTHORIZED:
                    raise refused(self.plan.namespace)
        except UpstreamError as error:
            raise named(error, outgoing.operation, None, self.limits) from error.__cause__
        if isinstance(response, Whole):
            return await self._veiled(request, response, outgoing.raw_format)
        veil, own = self._redactor.veil, self._own(response.request)
        return veiled_head(response, veil, own) if veil or own else response

    async def _authorized(self, outgoing: Outgoing) -> tuple[httpx.Request, bool]:
        """Return the request with our credential; what would be the body of a handshake is its first message."""
        if not outgoing.opens or not isinstance(self.transport, Transport):
            return await super()._authorized(outgoing)
        made = outgoing.draft.copy()
        authorized = await self.authorize(made, outgoing.mapped)
        frame = made.take_body()
        request = self._of(made, outgoing.operation, authorized=authorized)
        request.extensions[FRAME] = frame
        return request, authorized

    async def _opening(self, outgoing: Outgoing, request: httpx.Request) -> httpx.Response:
        outgoing.attempts += 1
        request.extensions[MAY_GO] = outgoing.may_go
        if FRAME in request.extensions:
            sending = handshake(self.transport, request, self.limits)
            return await (sending if self._watched is None else self._watched.again(outgoing, request, sending))
        send = partial(begun, self.transport, request, self.limits, self._sign)
        return await (send() if self._watched is None else self._watched.streaming(outgoing, request, send))
