"""The operations, a module for each kind: a Function, and beside it the function that calls it."""
