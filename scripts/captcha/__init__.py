"""Read captchas: download politely, annotate, train, evaluate whole strings."""
