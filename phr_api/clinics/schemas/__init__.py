"""Wire shapes of the directory: what is public of places, and what a desk writes of its own."""
