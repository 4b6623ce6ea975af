"""What a running program leaves to the collector, counted at each collection and explained in a sample of them."""
