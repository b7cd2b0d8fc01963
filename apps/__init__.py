"""What is built with the folders below; each app can be deleted with its scripts and tests."""
