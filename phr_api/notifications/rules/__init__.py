"""Rules and words without I/O."""
