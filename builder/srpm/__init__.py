"""From a Copr source description to a source package and its import."""
