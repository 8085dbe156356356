"""Listeners, signals and shutdown."""
