"""Decode an upstream's answer, one file for each format."""
