"""Reads of intake, one file a resource."""
