"""Scenarios against a whole running house with the real clients."""
