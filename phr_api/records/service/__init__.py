"""Use cases of intake, one file each."""
