"""Checks before a training begins: ``preflight``, a file for each group of checks."""
