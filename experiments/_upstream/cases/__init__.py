"""The cases, by what the libraries are for; to import this registers all of them."""

from experiments._upstream.cases import databases, growing, scientific, smokes, standard, tools, web

__all__ = ["databases", "growing", "scientific", "smokes", "standard", "tools", "web"]
