"""``/build``: states, results, logs and commands of builds (OBS API contract, section 11)."""
