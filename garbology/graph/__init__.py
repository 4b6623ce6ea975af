"""From objects to an explanation: snapshot, reachability, components, shapes, names, sizes."""
