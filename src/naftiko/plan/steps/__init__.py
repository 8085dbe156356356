"""The step kinds of an orchestration, one file each."""
