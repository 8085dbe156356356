"""A collector: it takes what OTLP over HTTP brings, and decodes it with OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
import queue
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from served import LIMIT

_MESSAGES = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


class Collector:
    """Listens on a free port while the block lasts.

    Attributes:
        requests: the messages so far, each with its path and headers.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self._news: queue.Queue[None] = queue.Queue()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                message = _MESSAGES[self.path].FromString(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                # Before the answer: a process ends when it has it, and what it sent is looked at then.
                collector.requests.append((self.path, headers, message))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
                collector._news.put(None)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        """All spans so far, each with the attributes of its resource."""
        return [
            (attributes(resource.resource.attributes), span)
            for path, _, message in list(self.requests)
            if path == "/v1/traces"
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """The last metrics by their names."""
        messages = [message for path, _, message in list(self.requests) if path == "/v1/metrics"]
        return {
            metric.name: metric
            for message in messages
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until requests have made something so."""
        end = time.monotonic() + LIMIT
        while not is_so():
            assert time.monotonic() < end, what
            try:
                self._news.get(timeout=0.5)
            except queue.Empty:
                continue


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes by their names."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
