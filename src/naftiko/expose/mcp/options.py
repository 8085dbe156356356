"""What an operator decides about an MCP server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Final, Literal, Self, TypeAlias

from naftiko.expose.http.gate import host_pattern, origin_pattern
from naftiko.expose.selection import Selection, nearest
from naftiko.ground.errors import NaftikoError

MAIN_PATH: Final = "/mcp"
"""Where all adapters of a listener are one server."""
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""The largest request body that is read: arguments of a tool, not files."""
ANSWER_BUDGET: Final = 80_000
"""Characters of a tool's answer, some 20,000 tokens: common clients refuse answers of more than 25,000."""
MAX_SESSIONS: Final = 1_000
"""Sessions at once, of a port; an idle one holds some 44 KB."""
SMALLEST_BUDGET: Final = 1_000
"""Characters below which a cut answer would be all notes."""
ToolMode: TypeAlias = Literal["list", "search"]


@dataclass(frozen=True, slots=True)
class McpOptions:
    """Options of an MCP server; see ``naftiko.expose.mcp.mcp_app``, whose arguments they are."""

    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    stateful: bool = False
    max_sessions: int = MAX_SESSIONS
    max_request_bytes: int = MAX_REQUEST_BYTES
    body_seconds: float | None = None
    guard_hosts: bool = True
    prefix: bool = False
    answer_budget: int = ANSWER_BUDGET
    answer_budgets: Mapping[str, int] = field(default_factory=dict)
    tool_mode: ToolMode = "list"
    selection: Selection = field(default_factory=Selection)
    max_concurrency: int = 0

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            host_pattern(host)
        for origin in self.allowed_origins:
            origin_pattern(origin)
        for name, characters in {"answer_budget": self.answer_budget, **self.answer_budgets}.items():
            if characters and characters < SMALLEST_BUDGET:
                raise ValueError(f"{name}: an answer budget is 0 (none) or at least {SMALLEST_BUDGET} characters")
        if self.tool_mode not in ("list", "search"):
            raise ValueError(f"tool_mode must be `list` or `search`, not {self.tool_mode!r}")
        if self.max_sessions < 1:
            raise ValueError("max_sessions must be 1 or more")
        if self.max_concurrency < 0:
            raise ValueError("max_concurrency must be 0 (no limit) or more")
        missing = [name for name in ("bm25s", "snowballstemmer") if self.tool_mode == "search" and not find_spec(name)]
        if missing:
            raise NaftikoError(f"searching tools (--tools search) needs {missing[0]}: pip install 'naftiko[search]'")

    def at(self, host: str, *, is_loopback: bool) -> Self:
        """Return the options behind a listener: its own name is one of those under which clients may call."""
        own = (host,) if is_loopback and ":" not in host else ()
        # The connection limits how long a body may take.
        return replace(self, allowed_hosts=(*self.allowed_hosts, *own), body_seconds=0)

    @property
    def lists_continue(self) -> bool:
        """Whether ``naftiko-continue`` stands in tools/list; it can be called in any case.

        A file's tools alone are listed unless the operator chose a budget: with the default one, hardly an answer is
        ever cut, and one that is says what to call.
        """
        return self.tool_mode == "search" or self.answer_budget != ANSWER_BUDGET or bool(self.answer_budgets)

    def budget_of(self, namespace: str, name: str) -> int:
        """Return how many characters a tool's answer may have; 0 for any number."""
        own = nearest(self.answer_budgets, namespace, name)
        return self.answer_budget if own is None else own
