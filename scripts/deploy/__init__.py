"""Bring a trained bundle to others: export, the hub, one endpoint."""
