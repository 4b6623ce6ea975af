"""Databases and what maps them to objects."""

from __future__ import annotations

from typing import Any

from experiments._upstream.bugs import Cut, Work, bug

_BROKEN, _MENDED = "SQLAlchemy==1.3.12 setuptools<80", "SQLAlchemy==1.3.13 setuptools<80"


@bug(
    "sqlalchemy, sequence", "sqlalchemy/sqlalchemy#5050", pythons="3.10-3.15",
    broken=_BROKEN, mended=_MENDED, built=("SQLAlchemy",),
    cut=Cut("the callback captures a weak reference to the sequence",
            (r"weakref callback\.__self__ -> WeakSequence$", r"_remove.*\.__self__ -> WeakSequence$",
             r"method\.__self__ -> WeakSequence$"), ("weakref",)),
)  # fmt: skip
def sqlalchemy_sequence() -> Work:
    """A sequence of one weak reference."""
    from sqlalchemy.util import WeakSequence

    class Element:
        pass

    def work() -> None:
        WeakSequence([Element])

    return work


@bug(
    "sqlalchemy, path", "sqlalchemy/sqlalchemy#5056", pythons="3.10-3.15",
    broken=_BROKEN, mended=_MENDED, built=("SQLAlchemy",),
    cut=Cut("`entity_path` is a property that returns self", (r"EntityRegistry\.entity_path -> ",), ("property",)),
)  # fmt: skip
def sqlalchemy_path() -> Work:
    """An option of a query."""
    from sqlalchemy.orm import Load

    owner, part = mapped_classes()
    return lambda: Load(owner).joinedload(owner.parts).load_only(part.id)


@bug(
    "sqlalchemy, session", "sqlalchemy/sqlalchemy#5074", pythons="3.10-3.15",
    broken=_BROKEN, mended="SQLAlchemy==1.4.0 setuptools<80", built=("SQLAlchemy",),
    cut=Cut("a session makes its transaction when it has something to do, and not when it is made or closed",
            (r"^SessionTransaction\.session -> Session$", r"^Session\.transaction -> "), ("property",)),
)  # fmt: skip
def sqlalchemy_session() -> Work:
    """A session, opened and closed."""
    from sqlalchemy.orm import Session

    def work() -> None:
        Session().close()

    return work


def mapped_classes() -> tuple[Any, Any]:
    """Two mapped classes, one of which has many of the other."""
    from sqlalchemy import Column, ForeignKey, Integer
    from sqlalchemy.ext.declarative import declarative_base
    from sqlalchemy.orm import configure_mappers, relationship

    base: Any = declarative_base()

    class Owner(base):
        __tablename__ = "owners"
        id = Column(Integer, primary_key=True)
        parts = relationship("Part")

    class Part(base):
        __tablename__ = "parts"
        id = Column(Integer, primary_key=True)
        owner_id = Column(Integer, ForeignKey("owners.id"))

    configure_mappers()
    return Owner, Part
