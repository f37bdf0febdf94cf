"""Holds, and booking what is held."""
