"""Which edge to weaken, and the proof that it frees the cycle."""
