"""Read a capability file: YAML with positions, dialects, the typed model, diagnostics."""
