"""Bytes of objects, and of what they alone hold."""
