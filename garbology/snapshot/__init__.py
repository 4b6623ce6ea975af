"""Objects as arrays: addresses, counts, referents."""
