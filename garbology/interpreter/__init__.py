"""The layer that touches CPython: counts, the collector's settings, what makes two runs comparable.

Whatever is changed here is put back, also after an exception.
"""
