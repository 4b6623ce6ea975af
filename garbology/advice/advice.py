"""Which edge to weaken: fewest first, never one that would kill an object too early."""

from __future__ import annotations

import types
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from garbology.advice.callbacks import container_of_method
from garbology.advice.candidates import Candidate, candidates_of, namespaces_in
from garbology.advice.captures import is_captured, mutual_captures
from garbology.advice.choice import MOST_NAMES, Choice, on_cycles_without, reached_from
from garbology.advice.class_cycles import advice_for_classes, is_a_constant
from garbology.advice.edge_classes import EdgeClass
from garbology.advice.endings import endings_of
from garbology.advice.exceptions import keeps_an_exception, raised_in_a_handler
from garbology.advice.frames import (
    frames_sentence,
    is_a_variable,
    is_in_a_copy_of_variables,
    is_left_in_frame,
    keeps_its_frame,
    left_sentence,
)
from garbology.advice.gathered import gathered_in
from garbology.advice.memos import hides_a_descriptor, not_kept, ways_back
from garbology.advice.raised import was_caught_and_stored
from garbology.advice.ranking import Ranking
from garbology.advice.remedies import cleared, is_closed_with, is_taken_out, remedy_of
from garbology.advice.remedy import (
    Remedy,
    Surroundings,
    attribute_of,
    clearing_method_for,
    is_plain_attribute,
)
from garbology.advice.running import is_fired, is_running_kind, keeps_a_task
from garbology.advice.together import Together
from garbology.advice.wording import advised_edge, hoisted, remedy_name, sentences_of
from garbology.cycles.folding import Link
from garbology.cycles.occurrence import Occurrence
from garbology.cycles.result import Advice
from garbology.cycles.shapes import is_class
from garbology.names.classes import mro_of
from garbology.snapshot.arrays import distinct
from garbology.snapshot.snapshot import addresses_of
from garbology.text.escaping import enumerated, joined

_WEAK = ("weakref", "WeakMethod", "WeakSet", "WeakValueDictionary", "WeakKeyDictionary")
_SEVERAL = 2  # names, or classes of one name, for which one call is better than a sentence each
_MANY_NAMES = 4
_FEW_FRAMES = 3  # whose variables keep an exception: `del` in each of them is what everybody does
_CAUTION = "these {} go together, but judge each by itself: what keeps its source must keep its target, too"


def advise(
    occurrence: Occurrence,
    links: Sequence[Link],
    needed: frozenset[EdgeClass],
    together: Together | None = None,
    *,
    saw_all: bool = True,
) -> tuple[Advice, list[Link]]:
    """The advice for a cycle, and the links it means.

    Parameters
    ----------
    links : named edges between the nodes of the occurrence; of a large one, a sample of each kind.
    needed : edge classes that kept an object alive while the work was live: weakening them would kill it early.
    together : edges of which one has to stay: each alone may be weak, all of them may not.
    saw_all : whether ``needed`` is known to the end of the work; an attribute that was set last may own, else.
    """
    adviser = _Adviser(occurrence, links, needed, together or Together())
    classes = [obj for obj in _nodes(occurrence, links) if is_class(obj)]
    return adviser.about_classes(classes) if classes else adviser.advise(saw_all=saw_all)


class _Adviser:
    """What can be said about one occurrence of a cycle."""

    def __init__(
        self,
        occurrence: Occurrence,
        links: Sequence[Link],
        needed: frozenset[EdgeClass],
        together: Together,
    ) -> None:
        self._occurrence = occurrence
        self._links = links
        self._needed = needed
        self._together = together
        self._at_risk: list[Candidate] = []  # what may not be weak together
        self._groups = mutual_captures(links)
        self._mutual = {id(link) for group in self._groups for link in group}
        self.candidates = [c for c in candidates_of(occurrence, links) if not self._is_undone(c)]
        ranking = Ranking(links, self._mutual, self._holders_of)
        self._ranks = {candidate: ranking.rank(candidate) for candidate in self.candidates}
        self._choice = Choice(occurrence, self._ranks)
        self._to_clear: list[Candidate] = []  # what may be needed, so that it is not to be weak

    def advise(self, *, saw_all: bool) -> tuple[Advice, list[Link]]:
        """The fewest safe edges, or the attribute that closes the cycle, or why there is nothing to advise."""
        safe, chosen = self._fewest_that_may_go(list(filter(self._is_safe, self.candidates)))
        closing = None if chosen and saw_all else self._closing()
        if closing is not None and chosen in ([], [closing]):
            self._to_clear = [closing]
            return self._advice([closing]), closing.links
        if not chosen:
            self._to_clear = [c for c in self.candidates if c not in safe and _can_be_let_go_of(c)]
            chosen = self._choice.fewest([*safe, *self._to_clear])
        tasks = [] if chosen else [c for c in self.candidates if keeps_a_task(c.links[0])]
        if tasks:
            return self._advice(tasks), [link for c in tasks for link in c.links]
        ended = self._ended(chosen)
        if ended is not None:
            return ended
        names = {candidate.name for candidate in chosen}
        if not chosen or len(names) > MOST_NAMES:
            return self._nothing(safe, chosen), []
        together = self._with_what_is_the_same(chosen)
        return self._advice(together), [link for c in together for link in c.links]

    def _fewest_that_may_go(self, safe: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
        """Of the safe candidates those that are safe with others, and the fewest of them that open the cycle."""
        while True:
            chosen = self._choice.fewest(safe)
            weak = [candidate for candidate in chosen if not self._is_never_needed(candidate.links[0])]
            at_risk = self._together.at_risk(weak)
            if not at_risk:
                return safe, chosen
            self._at_risk = self._at_risk or at_risk
            safe = [candidate for candidate in safe if candidate is not at_risk[-1]]

    def about_classes(self, classes: Sequence[object]) -> tuple[Advice, list[Link]]:
        """Where the classes are made; and what need not wait for them, if few edges free it."""
        remedy, reason = advice_for_classes(classes)
        candidates = [c for c in self.candidates if not is_a_constant(c.links[0])]
        self._to_clear = [c for c in candidates if not self._is_safe(c)]
        removed = _all_removed(self._occurrence, candidates)
        unbreakable = on_cycles_without(self._occurrence, removed)
        self._choice = Choice(self._occurrence, self._ranks, unbreakable)
        of_objects = [c for c in candidates if not is_class(c.links[0].steps[0].holder)]
        chosen = self._choice.fewest(of_objects) or self._choice.fewest(candidates)
        removed = _all_removed(self._occurrence, chosen)
        freed = ~reached_from(self._occurrence, unbreakable, removed)
        are_instances = self._has_instances(freed, classes)
        if not chosen or not are_instances or len({c.name for c in chosen}) > MOST_NAMES:
            return Advice([], remedy, reason), []
        count = int(freed.sum())
        several = f"{count:,} object{'s' * (count != 1)} in all"
        reason += (
            f"; {self._reason(chosen)}; that frees its instances at once ({several}), the class itself waits"
        )
        names = [self._remedy(candidate).name for candidate in chosen]
        edges = list(map(advised_edge, chosen))
        return Advice(edges, remedy, reason, remedies=names), [link for c in chosen for link in c.links]

    def _has_instances(self, places: NDArray[np.bool_], classes: Sequence[object]) -> bool:
        """Whether an object of one of the classes is among those at some places (bool, shape (n,))."""
        addresses = set(map(id, classes))
        kinds = distinct(self._occurrence.kinds[places])
        return any(id(base) in addresses for kind in kinds for base in mro_of(self._occurrence.types[kind]))

    def _is_undone(self, candidate: Candidate) -> bool:
        """Whether the program undoes the cut: `raise` puts a traceback back; or whether a few variables are all."""
        if candidate.links[0].steps[-1].label != ".__traceback__":
            return False
        errors = {id(link.steps[-1].holder): link.steps[-1].holder for link in candidate.links}
        kept = [(error, self._holders_of(error)) for error in errors.values()]
        by_few = all(0 < len(own) <= _FEW_FRAMES and all(map(is_a_variable, own)) for _, own in kept)
        return by_few or not all(was_caught_and_stored(error, own) for error, own in kept)

    def _holders_of(self, obj: object) -> list[Link]:
        return [link for link in self._links if link.steps[-1].referent is obj]

    def _is_safe(self, candidate: Candidate) -> bool:
        is_needed = not self._needed.isdisjoint(candidate.keys()) or candidate.is_among(self._needed)
        return not is_needed or self._is_never_needed(candidate.links[0])

    def _is_never_needed(self, link: Link) -> bool:
        """What is let go of when it is done with, and not held weakly: exceptions, what is open or runs; functions."""
        last = link.steps[-1]
        if is_closed_with(link) or is_left_in_frame(link) or id(link) in self._mutual:
            return True
        if container_of_method(link) is not None or is_in_a_copy_of_variables(link):
            return True
        kept = keeps_an_exception(link) or is_running_kind(last.referent) or is_fired(link)
        kept = kept or bool(ways_back(link, self._links))
        return kept or last.label == ".__traceback__"

    def _with_what_is_the_same(self, chosen: list[Candidate]) -> list[Candidate]:
        """With those that end in the same references: functions that share a variable, and capture each other."""
        removed = _all_removed(self._occurrence, chosen)
        groups = [group for group in self._groups if any(link in c.links for c in chosen for link in group)]
        mutual = {id(link) for group in groups for link in group if is_captured(link)}
        return [
            candidate
            for candidate in self.candidates
            if candidate in chosen
            or (_is_named(candidate) and candidate.removed.any() and not (candidate.removed & ~removed).any())
            or any(id(link) in mutual for link in candidate.links)
        ]

    def _ended(self, chosen: Sequence[Candidate]) -> tuple[Advice, list[Link]] | None:
        """The one call that does what edges of several names, or of many classes, would need line by line."""
        if len({candidate.key[1] for candidate in chosen}) < _SEVERAL and len(chosen) <= _SEVERAL:
            return None
        if not all(attribute_of(c.links[0]) and not keeps_an_exception(c.links[0]) for c in chosen):
            return None
        for ending in endings_of(self._links):
            let_go = set(map(id, ending.links))
            cleared = [c for c in self.candidates if all(id(link) in let_go for link in c.links)]
            if self._choice.opens(cleared):
                edges = self._choice.fewest(cleared)
                names = list(dict.fromkeys(each.key[1] for each in edges))
                reason = ending.sentence(enumerated(names) if len(names) <= _MANY_NAMES else "all of these")
                advice = Advice(list(map(advised_edge, edges)), "clear", reason, call=ending.call)
                return advice, [link for each in edges for link in each.links]
        return None

    def _advice(self, chosen: list[Candidate]) -> Advice:
        names = [self._remedy(candidate).name for candidate in chosen]
        remedy = max(dict.fromkeys(names), key=names.count)
        return Advice(
            list(map(advised_edge, chosen)), remedy, self._reason(chosen, alone=True), remedies=names
        )

    def _remedy(self, candidate: Candidate) -> Remedy:
        if candidate in self._to_clear:
            return cleared(candidate.links[0])
        gathered = gathered_in(candidate.links[0], self._holders_of)
        if gathered is not None:
            return gathered.remedy()
        way_back = ways_back(candidate.links[0], self._links)
        if way_back:
            weak = [c for c in self.candidates if any(link in way_back for link in c.links)]
            may_be_weak = all(map(self._is_safe, weak)) and self._is_only_way_back(weak, candidate)
            return not_kept(way_back, may_be_weak=may_be_weak)
        if hides_a_descriptor(candidate.links[0]):
            return cleared(candidate.links[0])
        around = Surroundings(self._is_inside, self._holders_of)
        remedy = remedy_of(candidate.links, way_back=candidate.younger_to_older, around=around)
        groups = [group for group in self._groups if candidate.links[0] in group]
        return hoisted(groups[0]) if groups else remedy

    def _is_only_way_back(self, weak: Sequence[Candidate], candidate: Candidate) -> bool:
        """Whether without some edges nothing leads from what a candidate holds to what holds it."""
        kept = np.zeros(len(self._occurrence.objects), bool)
        kept[[link.target for link in candidate.links]] = True
        reached = reached_from(self._occurrence, kept, _all_removed(self._occurrence, weak))
        return not reached[[link.source for link in candidate.links]].any()

    def _is_inside(self, obj: object) -> bool:
        return bool(self._occurrence.find(addresses_of([obj]))[0] >= 0)

    def _reason(self, chosen: list[Candidate], *, alone: bool = False) -> str:
        """A sentence for each name, with the classes that have such an edge."""
        chosen_links = [link for candidate in chosen for link in candidate.links]
        frames = list(filter(keeps_its_frame, chosen_links))
        alike: dict[tuple[str, str], list[tuple[Candidate, Remedy]]] = defaultdict(list)
        left: dict[str, list[Link]] = defaultdict(list)
        hoisted = _all_removed(self._occurrence, [c for c in chosen if self._remedy(c).name == "hoist"])
        for candidate in chosen:
            remedy = self._remedy(candidate)
            is_told = remedy.name != "hoist" and not (candidate.removed & ~hoisted).any()
            if is_left_in_frame(candidate.links[0]) and not is_told:
                left[candidate.key[2]] += candidate.links
            elif not keeps_its_frame(candidate.links[0]) and not is_told:
                alike[remedy_name(candidate, remedy), remedy.name].append((candidate, remedy))
        sentences = [frames_sentence(frames)] if frames else []
        sentences += [left_sentence(links, target) for target, links in left.items()]
        handled = raised_in_a_handler(self._links, chosen_links)
        told = [([candidate for candidate, _ in group], group[0][1]) for group in alike.values()]
        count = len(dict.fromkeys([*sentences, *handled])) + len(told)
        sentences = list(dict.fromkeys([*sentences, *sentences_of(told), *handled]))
        if not alone or not any(name in _WEAK for _, name in alike):
            return "; ".join(sentences)
        if count > 1:
            return "; ".join([*sentences, _CAUTION.format(count)])
        targets = list(dict.fromkeys(candidate.key[2] for candidate in chosen))
        return f"{sentences[0]}; keep the {enumerated(targets)} elsewhere while it is needed"

    def _closing(self) -> Candidate | None:
        """An attribute that was set last: it leads from older objects to younger ones, and every cycle has it."""
        for candidate in self.candidates:
            set_last = all(is_plain_attribute(link) and link.source < link.target for link in candidate.links)
            if set_last and self._choice.opens([candidate]):
                return candidate
        return None

    def _nothing(self, safe: list[Candidate], chosen: list[Candidate]) -> Advice:
        """Why no edge is advised: too many, or needed, or not for a program to cut."""
        if chosen:
            names = sorted({candidate.name for candidate in chosen})
            reason = (
                f"no short advice: edges of {len(names)} names would have to go together: {enumerated(names)}"
            )
            return Advice([], "none", reason)
        if namespaces_in(self._links):
            reason = (
                "functions hold the namespace that holds them, as `exec` or a module that was dropped leaves it: "
                "keep it, or clear it (`namespace.clear()`) when it is done with"
            )
            return Advice([], "clear", reason)
        if self._at_risk:
            names = [joined(*candidate.key[:2]) for candidate in self._at_risk]
            reason = f"one of {enumerated(names)} has to stay strong: nothing else held what was in use"
            return Advice([], "none", f"no safe edge: {reason}")
        kept = sorted({joined(*c.key[:2]) for c in self.candidates if c not in safe})
        if kept and self._choice.opens(self.candidates):
            reason = f"no safe edge: without {enumerated(kept)} something would have died while it was in use"
            names = self._choice.names_of_few(self.candidates)
            reason += f"; clear {enumerated(names)} when all is done with" if names else ""
        elif self.candidates:
            left = enumerated(self._choice.kinds_left(self.candidates))
            reason = (
                f"{left} would still be a cycle, of references that no line of the program sets: "
                "take something out of what holds it, or empty that, when it is done with"
            )
        else:
            reason = (
                "no edge of it is one that a line of the program sets: take something out of what holds it, "
                "or empty that, when it is done with"
            )
        return Advice([], "none", reason)


def _can_be_let_go_of(candidate: Candidate) -> bool:
    """Whether an attribute that may be needed can be cleared at the end: its owner has a method for it, or holds by it
    a function that holds the owner. So can a container that holds what leads to it and nothing of the program's owns.
    """
    link = candidate.links[0]
    if clearing_method_for(link) is not None or all(map(is_taken_out, candidate.links)):
        return True
    itself = all(each.source == each.target for each in candidate.links) and attribute_of(link) is not None
    return itself and any(type(step.holder) is types.FunctionType for step in link.steps)


def opens_every_cycle(occurrence: Occurrence, candidates: Sequence[Candidate]) -> bool:
    """Whether no cycle is left without these edges."""
    return Choice(occurrence, {}).opens(candidates)


def _nodes(occurrence: Occurrence, links: Iterable[Link]) -> list[object]:
    return [occurrence.objects[place] for place in {link.source for link in links}]


def _all_removed(occurrence: Occurrence, candidates: Iterable[Candidate]) -> NDArray[np.bool_]:
    removed = np.zeros(len(occurrence.targets), bool)
    for candidate in candidates:
        removed |= candidate.removed
    return removed


def _is_named(candidate: Candidate) -> bool:
    """Whether it is a variable or an attribute, and not what a generator holds to run."""
    return not any(step.label == "running function" for step in candidate.links[0].steps)
