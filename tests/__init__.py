"""A package, so that what another package installs as ``tests`` is not taken for it."""
