"""One store per noun; a ``Unit`` holds one of each over a shared transaction."""
