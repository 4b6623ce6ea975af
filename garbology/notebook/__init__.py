"""IPython and Jupyter: cells watched, and what IPython itself keeps told apart."""
