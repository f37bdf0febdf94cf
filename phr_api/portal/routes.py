"""Serving the page."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the page and its files to the application."""
