"""A window: what was made in it and only the collector can free, explained."""
