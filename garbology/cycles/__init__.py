"""What only the collector can free: strongly connected components, and what they look like."""
