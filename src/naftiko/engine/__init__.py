"""Run a plan: upstream requests, authentication out, formats, steps, limits."""
