"""The usual hooks."""
