"""The step kinds of an orchestration, one file each (SEMANTICS 5.5)."""
