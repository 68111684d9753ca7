"""The OBS door: HTTP API 2.0 as osc speaks it; ``door.register`` opens it."""
