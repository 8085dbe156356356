"""Expressions: templates, JSONPaths, references, and what they may look at while a unit runs."""
