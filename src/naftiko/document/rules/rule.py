"""What a rule's page says, and the shop that the pages are about."""

from __future__ import annotations

from dataclasses import dataclass

from naftiko.ground.types import Severity

PRODUCTS = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}
  resources:
  - path: /products/{id}
    operations:
"""
"""A consumed API up to its operations, which the examples add."""
MCP = """exposes:
- type: mcp
  namespace: shop-mcp
  description: The shop.
  tools:
  - name: get-product
    description: A product.
"""
"""An MCP adapter up to what its tool does, which the examples add."""
TOOL = f"{MCP}    call: shop.get-product\n"
REST = """exposes:
- type: rest
  namespace: shop-rest
  port: 8080
  resources:
  - path: /products/{id}
    operations:
    - {method: GET, description: A product., call: shop.get-product}
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that diagnostics name.

    Attributes:
        id: stable; diagnostics, SARIF and the documentation use it.
        severity: of every diagnostic of this rule.
        summary: one line.
        why: what happens at run time, and why it matters.
        fix: what to do.
        bad: sections of a capability that break the rule.
        good: the same, mended.
        covers: the rules of the reference's own rule set that it stands for.
    """

    id: str
    severity: Severity
    summary: str
    why: str
    fix: str
    bad: str
    good: str
    covers: tuple[str, ...] = ()


ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT
