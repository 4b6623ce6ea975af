"""Cases measured in fresh interpreters, and kept as records."""
