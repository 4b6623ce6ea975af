"""How good it is to cut each of the edges that may be cut."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Sequence
from typing import Any

from garbology.advice.candidates import Candidate
from garbology.advice.choice import LEADING_ON
from garbology.advice.exceptions import is_kept_by_a_handler, keeps_an_exception
from garbology.advice.frames import is_in_a_copy_of_variables, keeps_its_frame, own_variable, variable_step
from garbology.advice.gathered import gathered_in
from garbology.advice.memos import hides_a_descriptor, ways_back
from garbology.advice.remedies import is_closed_with
from garbology.advice.remedy import is_callable_made_here, is_library_code, is_of_the_standard_library
from garbology.advice.running import is_fired, is_task
from garbology.advice.sampling import is_standard
from garbology.advice.tables import is_called_a_cache
from garbology.cycles.folding import Link
from garbology.names.finalizers import found_in


class Ranking:
    """Ranks the candidates of an occurrence: smaller is better.

    What only clearing up can cut comes first, then lookups by name, then pointers back to what is older.

    Parameters
    ----------
    links : of the occurrence.
    mutual : addresses of the links that are captures of functions which capture each other.
    holders_of : the links that end in an object.
    """

    def __init__(
        self, links: Sequence[Link], mutual: Collection[int], holders_of: Callable[[object], list[Link]]
    ) -> None:
        self._links = links
        self._mutual = mutual
        self._holders_of = holders_of

    def rank(self, candidate: Candidate) -> int:
        """That of one candidate."""
        link = candidate.links[0]
        last = link.steps[-1]
        if keeps_its_frame(link):
            frame: Any = variable_step(link).holder
            return 4 if is_standard(frame.f_code) else 0
        if gathered_in(link, self._holders_of):
            return 0
        if id(link) in self._mutual:
            return 1
        if is_kept_by_a_handler(link) or is_in_a_copy_of_variables(link):
            return 2
        if own_variable(link) is not None:
            frame = variable_step(link).holder
            is_for_others = is_library_code(frame.f_code) or self._keeps_what_leaves_it(last.referent)
            return 5 if is_for_others else 2
        if last.label == ".__traceback__":
            return 3
        if keeps_an_exception(link):
            return LEADING_ON if is_of_the_standard_library(last.holder) else 4
        if is_fired(link) or (type(last.holder) is dict and is_called_a_cache(link.label)):
            return 4
        if ways_back(link, self._links):
            return 4
        if is_closed_with(link) or is_callable_made_here(link) or hides_a_descriptor(link):
            return 7
        if type(link.steps[0].holder) is types.MethodWrapperType:  # which nothing can be taken from
            return 8
        if is_task(last.referent):
            return 4
        return 5 if candidate.younger_to_older else LEADING_ON

    def _keeps_what_leaves_it(self, obj: object) -> bool:
        """Whether it is a context manager, in whose hands exceptions end up that go through its block.

        It knows when it has reported them; the function with the block only knows that it is left.
        """
        if not any(found_in(type(obj), name) is not None for name in ("__exit__", "__aexit__")):
            return False
        return any(link.steps[0].holder is obj and keeps_an_exception(link) for link in self._links)
