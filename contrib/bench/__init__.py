"""Measurements of a running house; ratios of one run, since machines are noisy."""
