"""The command line of studies."""
