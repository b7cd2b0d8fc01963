"""Classifiers on features: how they are fitted, chosen, kept and asked."""
