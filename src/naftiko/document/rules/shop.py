"""The shop that the pages of the rules are about: sections that several of them share."""

from __future__ import annotations

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
