"""Numbers, data, plots."""

from __future__ import annotations

from typing import Any

from experiments._upstream.bugs import LEAK, Cut, Work, bug


@bug(
    "networkx", "networkx/networkx#6235", pythons="3.10-3.15", broken="networkx==3.4.2",
    cut=Cut("proposed: views are made anew, or refer weakly to their graph",
            (r"^Graph\.(degree|edges|adj|nodes) -> ", r"View\._graph -> Graph$"), ("property", "weakref")),
)  # fmt: skip
def networkx() -> Work:
    """A graph of one edge, and its views."""
    import networkx

    def work() -> None:
        graph = networkx.Graph()
        graph.add_edge(1, 2)
        list(graph.edges), dict(graph.degree)

    return work


@bug(
    "scipy, minimize", "scipy/scipy#20768", pythons="3.10-3.12", broken="scipy==1.13.1", mended="scipy==1.15.3",
    cut=Cut("methods in place of closures over `self`",
            (r"^ScalarFunction\._update_\w+ → closure variable .*self -> ScalarFunction$",
             r"function ScalarFunction\.__init__.* → closure variable self -> ScalarFunction$"),
            ("property", "hoist", "capture")),
)  # fmt: skip
def scipy_minimize() -> Work:
    """A minimum in two dimensions."""
    import numpy as np
    from scipy.optimize import minimize

    start = np.ones(2)
    return lambda: minimize(lambda x: (x**2).sum(), start, method="L-BFGS-B")


@bug(
    "scipy, lsmr", "scipy/scipy#10634", pythons="3.10-3.13", broken="scipy==1.15.2", mended="scipy==1.15.3",
    cut=Cut("the adjoint operator keeps the array, not the operator that keeps the adjoint",
            (r"_AdjointMatrixOperator\._AdjointMatrixOperator__adjoint -> MatrixLinearOperator$",
             r"_AdjointMatrixOperator\.args\[0\] -> MatrixLinearOperator$"), ("capture",)),
)  # fmt: skip
def scipy_lsmr() -> Work:
    """Least squares in three dimensions."""
    import numpy as np
    from scipy.optimize import least_squares

    start = np.ones(3)
    return lambda: least_squares(
        lambda x: x + 1, start, jac=lambda x: np.eye(3), method="trf", tr_solver="lsmr"
    )


@bug(
    "matplotlib", "matplotlib/matplotlib#28861", pythons="3.10-3.12",
    broken="matplotlib==3.9.2", mended="matplotlib==3.10.0",
    cut=Cut("the list of artists is emptied in place where another takes its place",
            (r"^Line2D\._remove_method\.__self__\[\d*\] -> Line2D$",), ("clear",)),
)  # fmt: skip
def matplotlib() -> Work:
    """A line, and axes that are cleared."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib.figure import Figure

    def work() -> None:
        axes = Figure().subplots()
        axes.plot([1, 2])
        axes.clear()

    return work


@bug(
    "pillow", "python-pillow/Pillow#5797", pythons="3.10",
    broken="Pillow==8.4.0 numpy<2 scipy", mended="Pillow==9.0.0 numpy<2 scipy",
    cut=Cut("no class is made in each call", (r"class Image\.__array__\.<locals>\.ArrayData",), ("hoist",)),
)  # fmt: skip
def pillow() -> Work:
    """An image as an array."""
    import numpy as np
    from PIL import Image

    image = Image.new("RGB", (2, 2))

    def work() -> None:
        np.asarray(image)

    return work


@bug(
    "h5netcdf", "h5netcdf/h5netcdf#117", pythons="3.10-3.11",
    broken="h5netcdf==0.11.0 h5py numpy<2 scipy", mended="h5netcdf==0.12.0 h5py numpy<2 scipy",
    cut=Cut("every `_parent` and `_root` is weak", (r"\._(parent|root)(_ref)? -> ",), ("weakref",)),
)  # fmt: skip
def h5netcdf() -> Work:
    """A file, opened and closed."""
    import tempfile
    from pathlib import Path

    import h5netcdf

    path = Path(tempfile.mkdtemp(prefix="garbology-"), "data.nc")
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"x": 2}
        file.create_variable("v", ("x",), float)
        file.create_group("g")

    def work() -> None:
        with h5netcdf.File(path, "r") as file:
            file["v"][...]

    return work


@bug(
    "astropy", "astropy/astropy#15649", pythons="3.11-3.12", kind=LEAK,
    broken="astropy==6.1.7 numpy<2 scipy", mended="astropy==7.2.3",
    cut=Cut("a view whose `base` is its owner is made no more", (r"base -> ",)),
)  # fmt: skip
def astropy() -> Work:
    """A copy of a table."""
    import numpy as np
    from astropy.io import fits

    table: Any = fits.BinTableHDU.from_columns([fits.Column(name="a", format="D", array=np.ones(10))])
    return lambda: table.copy()
