"""How an edge or a node is called."""
