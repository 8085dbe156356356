"""Serve Naftiko capabilities: one YAML file becomes a REST API and an MCP server."""

__version__ = "0.1.0"
