"""Objects that are alive though nothing visible holds them."""
