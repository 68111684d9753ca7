"""Clean build roots: base roots, dependency layers and the sandbox around a build."""
