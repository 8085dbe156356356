"""The adapters that expose a plan, one package each, and what they share."""
