"""Studies measured on many machines, through Dask's distributed scheduler."""
