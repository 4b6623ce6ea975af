"""The questions that the studies answer, in the order in which the front page asks them."""

from garbology.study import Part

WHO_FREES = Part("Who frees it?", 1)
HOW_LONG = Part("How long does it wait?", 2)
WHAT_COST = Part("What does it cost?", 3)
FRAMEWORKS = Part("What do frameworks do?", 4)
BEST_BUILT = Part("How is a graph best built?", 5)
