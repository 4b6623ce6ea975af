"""The heap of a real program: pandas, Matplotlib and SQLAlchemy are imported, and many objects are alive.

What is made in the window are orders with their lines, as SQLAlchemy maps them to tables, each line with the way back
to its order; now and then an order has a table of pandas or a figure of Matplotlib, which is full of cycles itself.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

MOST_ALIVE = 500_000
LINES_OF_AN_ORDER = 4
ORDERS_OF_A_TABLE, ORDERS_OF_A_FIGURE = 500, 5_000
ALIVE: list[Any] = []


class Base(DeclarativeBase):
    """Of the tables."""


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    number: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list[Line]] = relationship(back_populates="order")


class Line(Base):
    """A line of an order, which knows its order."""

    __tablename__ = "lines"
    number: Mapped[int] = mapped_column(primary_key=True)
    order_number: Mapped[int] = mapped_column(ForeignKey("orders.number"))
    order: Mapped[Order] = relationship(back_populates="lines")


def begin(alive: int) -> None:
    """Keep so many objects alive, of the kinds that programs have most of."""
    while len(ALIVE) * 4 < alive:
        number = len(ALIVE)
        ALIVE.append({"number": [number], "names": (f"name {number}", [number, number + 1]), "more": {}})
    orders(1)  # the mappers are configured, the fonts found


def orders(units: int) -> None:
    """So many orders, all of which are dropped."""
    for place in range(units):
        order = Order(number=place)
        order.lines = [Line(number=number) for number in range(LINES_OF_AN_ORDER)]
        if place % ORDERS_OF_A_TABLE == 0:
            frame = pd.DataFrame({"number": np.arange(100), "price": np.linspace(1, 2, 100)})
            order.table = frame.groupby("number").sum()
        if place % ORDERS_OF_A_FIGURE == 0:
            figure = Figure()
            figure.subplots().plot(np.arange(10))
            order.figure = figure
