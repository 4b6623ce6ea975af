"""How an edge is named, one small module a family of types. Nothing here runs code of a watched object.

Each family yields candidates, `(label, id of the referent)`, for what its type is known to hold.
`garbology.graph.edges` matches them with what the collector sees, so a candidate too many does no harm.
"""
