"""The files of ``reloads.py``: one version after the other, edited in every way, some of them broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FILE = """\
naftiko: 1.0.0-alpha2
info: {{label: Reloaded, description: "{note}"}}
capability:
  binds:
    - {{namespace: vault, location: "file:///./secret.yaml", keys: {{TOKEN: token}}}}
    - {{namespace: place, keys: {{REGION: REGION}}}}
  consumes:
    - {{import: up, from: ./api.yaml}}
  exposes:
    - type: rest
      namespace: web
      port: {rest}
      resources:
        - path: /mapped/{{id}}
          operations:
            - method: GET
              call: up.good
              with: {{id: rest.id, version: "{v}", region: "{{{{REGION}}}}"}}
              outputParameters:
                - type: object
                  properties:
                    id: {{type: string, mapping: $.id}}
                    said: {{type: string, mapping: $.version}}
                    version: {{type: string, value: "{v}"}}
                    {more}
        - path: /passed/{{id}}
          operations: [{{method: GET, call: up.good, with: {{id: rest.id, version: "{v}"}}}}]
        - path: /steps/{{id}}
          operations:
            - method: GET
              name: steps
              steps:
                - {{type: call, name: first, call: up.good, with: {{id: "{{{{id}}}}", version: "{v}"}}}}
                - {{type: call, name: second, call: up.good, with: {{id: "{{{{first.id}}}}", version: "{v}"}}}}
              mappings:
                - {{targetName: id, value: $.second.id}}
                - {{targetName: said, value: $.first.version}}
                - {{targetName: version, value: $.second.version}}
{routes}
    - type: mcp
      namespace: agents
      port: {mcp}
      tools:
        - name: good
          description: "Version {v}"
          call: up.good
          with: {{version: "{v}"}}
        - {{name: "{tool}", description: d, call: up.good, with: {{version: "{v}"}}}}
{listener}
"""
API = """\
consumes:
  - namespace: up
    type: http
    baseUri: http://127.0.0.1:{port}/{base}
    authentication: {{type: bearer, token: "{{{{TOKEN}}}}"}}
    resources:
      - path: "/{{{{version}}}}/{{{{id}}}}"
        operations:
          - name: good
            method: GET
            inputParameters: [{{name: id, in: path}}, {{name: version, in: path}}]
"""
ROUTE = (
    '        - {{path: "/extra/{v}", operations: [{{method: GET, call: up.good, with: {{id: x, version: "{v}"}}}}]}}'
)
LISTENER = """\
    - type: rest
      namespace: beside
      port: {port}
      resources:
        - path: /passed/{{id}}
          operations: [{{method: GET, call: up.good, with: {{id: rest.id, version: "{v}"}}}}]
"""
BROKEN = "never"
"""What stands in files that are never valid, where others have their version."""


@dataclass(slots=True)
class Files:
    """The files of one capability, and what they say now.

    Attributes:
        folder: where they are.
        rest: the port of REST.
        mcp: that of MCP.
        beside: that of a listener which comes and goes.
        upstream: that of the API.
        version: the last valid one.
        tokens: those that there were, the last one is valid.
    """

    folder: Path
    rest: int
    mcp: int
    beside: int
    upstream: int
    version: int = 0
    tokens: list[str] = field(default_factory=lambda: ["token-0-s3cret"])
    said: dict[str, str] = field(default_factory=dict)
    import_broken: bool = False
    edits: dict[str, int] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "reloaded.yaml"

    def first(self) -> None:
        """Write all of them."""
        (self.folder / "secret.yaml").write_text(f"token: {self.tokens[-1]}\n")
        (self.folder / "secrets.env").write_text("REGION=region-0\n")
        self._api("base0")
        self.write(self.text())

    def text(self, version: str = "") -> str:
        """Return the capability as it is wanted now."""
        v = version or f"v{self.version}"
        has = self.said.get
        return FILE.format(
            v=v,
            note=has("note", "first"),
            rest=self.rest,
            mcp=self.mcp,
            more=has("more", ""),
            tool=has("tool", "other"),
            routes=ROUTE.format(v=v) if has("route") else "",
            listener=LISTENER.format(port=self.beside, v=v) if has("listener") else "",
        )

    def _api(self, base: str) -> None:
        self.write(API.format(port=self.upstream, base=base), self.folder / "api.yaml")

    def write(self, text: str, path: Path | None = None) -> None:
        """Put a file in the place of one, as careful programs do."""
        path = path or self.path
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(text)
        aside.replace(path)

    def edit(self, number: int) -> str:
        """Make edit ``number``; return its name. What is broken stands until the next one."""
        name = tuple(EDITS)[number % len(EDITS)]
        self.edits[name] = self.edits.get(name, 0) + 1
        if not name.startswith("broken"):
            self.version += 1
            if self.import_broken:
                self.mend_import()
        EDITS[name](self)
        if not name.startswith("broken"):
            self.write(self.text())
        return name

    def rotate(self) -> None:
        """Write another token; the API takes the one before until it is told otherwise."""
        self.tokens.append(f"token-{len(self.tokens)}-s3cret")
        self.write(f"token: {self.tokens[-1]}\n", self.folder / "secret.yaml")

    def toggle(self, name: str) -> None:
        """Add something, or take it away."""
        self.said[name] = "" if self.said.get(name) else "yes"

    def say(self, name: str, text: str) -> None:
        """Let the capability have another text somewhere."""
        self.said[name] = text.format(self.version)

    def break_import(self) -> None:
        """Let the imported file be none, with a base URI that must not be asked."""
        self.import_broken = True
        self.write(API.format(port=self.upstream, base=BROKEN).replace("good", "[good"), self.folder / "api.yaml")

    def mend_import(self) -> None:
        """Let the imported file be whole, at another path."""
        self.import_broken = False
        self._api(f"base{self.version}")


EDITS: dict[str, Callable[[Files], object]] = {
    "another import": Files.mend_import,
    "another route": lambda files: files.toggle("route"),
    "broken: cut": lambda files: files.write(files.text(BROKEN)[:-300] + " [{"),
    "another tool": lambda files: files.say("tool", "other-{}"),
    "another secret": Files.rotate,
    "broken: no such operation": lambda files: files.write(files.text(BROKEN).replace("up.good", "up.bad", 1)),
    "a comment": lambda files: files.say("note", "note {}"),
    "a listener": lambda files: files.toggle("listener"),
    "broken: empty": lambda files: files.write(""),
    "another output": lambda files: files.say("more", "more{0}: {{type: string, mapping: $.id}}"),
    "another variable": lambda files: files.write(f"REGION=region-{files.version}\n", files.folder / "secrets.env"),
    "broken: no file": lambda files: files.path.unlink(missing_ok=True),
    "another description": lambda files: files.say("note", "said {}"),
    "broken: import": Files.break_import,
}  # fmt: skip
