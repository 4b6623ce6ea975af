"""Words and numbers for people: plurals, units, escaping, the width of a line."""
