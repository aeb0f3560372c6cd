"""Reads journals and tells what they say; writes nothing and changes nothing."""
