"""Why memory grows call after call: what is alive, what waits for the collector, what allocators keep, what is C's."""
