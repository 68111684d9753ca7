"""The tests: scenarios, contracts, properties and a mirror of the rooms."""
