"""Why an object is alive: the path from a root to it."""
