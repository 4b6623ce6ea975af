"""Pages as a study would fill them: realistic, and hostile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from garbology.reporting.run_page import RunPage
from garbology.study.page import AtlasRow, FigureSpec, FindingResult, RuntimeSummary, StudyPage, Table, Tile

VERDICT = "With strong outputs 400,002 objects and 61.2 MB waited for the collector; with weak outputs none."
SLUG = "cpython-3.11.7-generational"
OUTPUTS = ("strong", "weak", "none")
OPERATIONS = (100, 1_000, 10_000, 100_000)
WORKLOADS = {"chain": 2.0, "perceptron": 3.1, "wide": 1.1}
HOSTILE = "<script>alert(1)</script>\"'&|`*_[x](javascript:alert(1))\x1b[31m\x00\u202eevil"


def runtime(
    version: str = "3.11.7", collector: str = "generational", platform: str = "linux-x86_64"
) -> RuntimeSummary:
    described = {
        "implementation": "cpython",
        "version": version,
        "collector": collector,
        "gil": True,
        "build": "pgo+lto",
        "platform": platform,
        "pointer_bits": 32 if platform.startswith("emscripten") else 64,
    }
    environment = {
        "packages": {"numpy": "2.2.6", "psutil": "7.1.0"},
        "gc_thresholds": [700, 10, 10],
        "cpu_count": 2,
        "total_memory_bytes": 8_335_163_392,
        "variables": {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
    }
    slug = f"cpython-{version}-{collector}" + ("" if platform.startswith("linux") else f"-{platform}")
    return RuntimeSummary(
        slug=slug,
        label=f"CPython {version}",
        collector=collector,
        runtime=described,
        environment=environment,
        scale="default",
        samples=180,
        started="2026-11-23T05:00:00+00:00",
        record_file=f"{slug}.json",
        parameters={"outputs": list(OUTPUTS), "operations": list(OPERATIONS)},
        repetition={"repeats": 5, "seed": 1_234_567_890, "duration_seconds": 81.3},
    )


def rows(slugs: Sequence[str] = (SLUG,)) -> list[dict[str, Any]]:
    made = []
    for slug in slugs:
        for workload, variables in WORKLOADS.items():
            for operations in OPERATIONS:
                for outputs in OUTPUTS:
                    left = int(operations * variables) if outputs == "strong" else 0
                    made.append(_row(slug, workload, operations, outputs, left))
    return made


def _row(slug: str, workload: str, operations: int, outputs: str, left: int) -> dict[str, Any]:
    return {
        "runtime": slug,
        "workload": workload,
        "operations": operations,
        "outputs": outputs,
        "variables": left,
        "garbage_bytes": left * 153,
        "collect_seconds": 1.1e-7 * left + 2.1e-5,
        "samples": 5,
    }


def interval(source: Sequence[dict[str, Any]], field: str, spread: float) -> list[dict[str, Any]]:
    return [{**row, "low": row[field] * (1 - spread), "high": row[field] * (1 + spread)} for row in source]


def chain(source: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in source if row["workload"] == "chain"]


def figures(slugs: Sequence[str] = (SLUG,)) -> list[FigureSpec]:
    every = rows(slugs)
    left = FigureSpec(
        name="variables_left",
        caption="Variables alive after the last reference went, with the collector paused.",
        kind="line",
        x="operations",
        y="variables",
        color="outputs",
        facet="workload",
        x_scale="log",
        y_scale="symlog",
        rows=interval(every, "variables", 0),
    )
    collect = FigureSpec(
        name="collect_time",
        caption="Time of one gc.collect() over what is left of the chain.",
        kind="line",
        x="operations",
        y="collect_seconds",
        color="outputs",
        x_scale="log",
        y_scale="log",
        rows=interval(chain(every), "collect_seconds", 0.3),
    )
    held = FigureSpec(
        name="garbage_bytes",
        caption="Bytes that only the collector can free.",
        kind="bars",
        x="workload",
        y="garbage_bytes",
        color="outputs",
        rows=interval([row for row in every if row["operations"] == 100_000], "garbage_bytes", 0.08),
    )
    return [left, collect, held]


def shape(name: str = "Mul", advice: bool = True) -> dict[str, Any]:
    ends = {"source_type": name, "target_type": "Variable"}
    back = {"source_type": "Variable", "target_type": name}
    found = {
        "count": 100_000,
        "objects": 4,
        "bytes": 61_200_000,
        "types": {name: 1, "Variable": 1, "tuple": 1, "numpy.ndarray": 1},
        "nodes": [{"id": 0, "type": name, "objects": 2}, {"id": 1, "type": "Variable", "objects": 2}],
        "edges": [
            {"source": 0, "target": 1, **ends, "label": ".outputs[0]", "weaken": advice},
            {"source": 1, "target": 0, **back, "label": ".creator", "weaken": False},
        ],
        "sites": ["chain.py:12"],
        "advice": None,
    }
    if advice:
        reason = "The caller holds the output, nothing else holds the function."
        found["advice"] = {
            "edges": [".outputs[0]"],
            "remedy": "weakref",
            "verified": True,
            "trial": "tried on one of them: all of it was freed",
            "reason": reason,
        }
    return found


def findings(slug: str = SLUG) -> list[FindingResult]:
    def result(name: str, claim: str, status: Any, evidence: str) -> FindingResult:
        return FindingResult(name, claim, slug, status, evidence)

    broken = "3 Variables left: run(outputs='strong', operations=100000)"
    return [
        result(
            "weak_leave_nothing", "With weak outputs nothing is left.", "holds", "0 Variables in 60 samples"
        ),
        result("strong_leave_all", "With strong outputs the whole graph is left.", "holds", "2,001 of 2,001"),
        result("one_collect_frees", "One collection frees all of it.", "does not hold", broken),
        result("large_arrays", "Few large arrays dwarf the threshold.", "not measured", "no such sample"),
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    measured = [f"{row['variables']:,}", f"{row['garbage_bytes'] / 1e6:.3g} MB"]
    times = [f"{row['collect_seconds'] * 1e3:.3g} ms (0.02 to 12.1 ms)", "11.2 ms", "61.2 MB"]
    return [row["workload"], row["outputs"], f"{row['operations']:,}", *measured, *times]


def study_page() -> StudyPage:
    columns = ("workload", "outputs", "operations", "variables", "garbage", "collect", "longest pause", "rss")
    cells = [_cells(row) for row in rows()]
    return StudyPage(
        name="cycles",
        title="Reference cycles in the computational graph",
        docstring="""Who frees a dropped graph: reference counting, or the cyclic collector?

        A function that refers strongly to its output closes a loop, output -> creator -> output, that
        reference counting alone never frees. A weak reference leaves the loop open.

        We build a chain and drop it.

        What to do about it: hold the output weakly. Instead of `self.output = output` write

            self.output = weakref.ref(output)

        and call it where you need the output.""",
        verdict=VERDICT,
        tiles=[
            Tile("objects waiting, strong outputs", 400_002, "objects", 400_002, 400_002),
            Tile("bytes waiting, strong outputs", 61_234_567, "bytes", 61_100_000, 61_400_000),
            Tile("objects waiting, weak outputs", 0, "objects", 0, 0),
            Tile("one gc.collect()", 0.1123, "seconds", 0.108, 0.121),
            Tile("longest automatic pause", 0.00123, "seconds", 0.0011, 0.0013),
            Tile("large arrays held below the threshold", 1_326_000_000, "bytes"),
        ],
        findings=findings(),
        figures=figures(),
        pictures=[shape(), shape("Layer", advice=False)],
        runtimes=[runtime()],
        problems=[f"{SLUG}: drop(outputs=strong, operations=100000) crashed with SIGSEGV (1 of 5)"],
        command="python -m experiments.cycles",
        table=Table(columns, cells, "Medians of 5 samples a case."),
    )


RUNTIMES = [
    runtime("3.14.10"),
    runtime("3.14.2", "incremental"),
    runtime("3.10.13"),
    runtime("3.14.2", "incremental", "emscripten-wasm32"),
    runtime("3.13.0"),
    runtime("3.9.18"),
    runtime("3.15.0rc1"),
    runtime("3.15.0"),
]
LABELS_IN_ORDER = [
    "CPython 3.9.18",
    "CPython 3.10.13",
    "CPython 3.13.0",
    "CPython 3.14.2 (incremental)",
    "CPython 3.14.2 (incremental, WebAssembly)",
    "CPython 3.14.10",
    "CPython 3.15.0rc1",
    "CPython 3.15.0",
]
REFERENCE = "python/cpython#142516, PEP 848"


def atlas_rows() -> list[AtlasRow]:
    """Made-up figures: a wide spread, a narrow one whose intervals overlap, one where more is better."""

    def row(label: str, unit: str, better: Any, values: Sequence[Any], spread: float = 0.0) -> AtlasRow:
        slugs = [one.slug for one in sorted(RUNTIMES, key=lambda one: LABELS_IN_ORDER.index(_label(one)))]
        tiles = {
            slug: Tile(label, value, unit, value * (1 - spread), value * (1 + spread), True, better)
            for slug, value in zip(slugs, values, strict=True)
            if value is not None
        }
        return AtlasRow(label, unit, better, tiles)

    held = [33e6, 34e6, 76e6, 1_326e6, 900e6, 75e6, 77e6, 75e6]
    return [
        row("Most garbage waiting at once", "bytes", "less", held, 0.01),
        row(
            "Objects waiting at once", "objects", "less", [428, 428, 1102, 116_012, 116_012, 1120, 1122, 1120]
        ),
        row(
            "Longest pause",
            "seconds",
            "less",
            [2e-3, 2.1e-3, 2.05e-3, 6.1e-4, 1.9e-3, 2e-3, 2e-3, None],
            0.08,
        ),
        row(
            "Operations a second",
            "operations",
            "more",
            [3e5, 3.1e5, 3.4e5, 4e5, 6e4, 4.1e5, 4e5, 4.2e5],
            0.01,
        ),
        row("Automatic collections", "collections", "", [285, 285, 1, 3, 3, 1, 1, 1]),
    ]


def _label(one: RuntimeSummary) -> str:
    unusual = "incremental" if one.collector == "incremental" else ""
    if "emscripten" in one.slug:
        unusual += ", WebAssembly"
    return f"{one.label} ({unusual})" if unusual else one.label


def several_runtimes() -> StudyPage:
    slugs = [one.slug for one in RUNTIMES]
    return replace(
        study_page(),
        runtimes=RUNTIMES,
        lead="cpython-3.15.0-generational",
        figures=figures(slugs),
        findings=[_judged(result, slug) for slug in slugs for result in findings()],
        problems=(),
        atlas=atlas_rows(),
    )


def _judged(result: FindingResult, slug: str) -> FindingResult:
    """The second claim is excepted on the incremental collector, the third broken on 3.9 alone."""
    result = replace(result, runtime=slug, status="holds", evidence="2,001 of 2,001")
    if result.name == "strong_leave_all" and "incremental" in slug:
        why = "The incremental collector looks at a slice of the heap at a time."
        return replace(
            result, status="not on this version", evidence="7 left", reason=why, reference=REFERENCE
        )
    if result.name == "one_collect_frees" and "3.9.18" in slug:
        return replace(result, status="does not hold", evidence="3 Variables left on 3.9")
    if result.name == "large_arrays" and "emscripten" in slug:
        return replace(result, status="not measured", evidence="no NumPy")
    return result


def hostile_shape() -> dict[str, Any]:
    picture = shape(HOSTILE)
    picture["edges"][0]["label"] = HOSTILE
    picture["sites"] = [HOSTILE]
    picture["advice"]["reason"] = picture["advice"]["remedy"] = HOSTILE
    return picture


def hostile_page() -> StudyPage:
    """Every text of a page is a name that wants to be obeyed."""
    row = {HOSTILE: HOSTILE, "c" + HOSTILE: HOSTILE, "f" + HOSTILE: HOSTILE}
    figure = FigureSpec(
        HOSTILE,
        HOSTILE,
        "bars",
        HOSTILE,
        "bytes",
        color="c" + HOSTILE,
        facet="f" + HOSTILE,
        x_title=HOSTILE,
        y_title=HOSTILE,
        rows=[{**row, "bytes": 5, "runtime": HOSTILE, "low": 1, "high": 9}],
    )
    line = replace(figure, name="line", kind="line")
    summary = replace(
        runtime(), slug=HOSTILE, label=HOSTILE, record_file=HOSTILE, environment={HOSTILE: HOSTILE}
    )
    return StudyPage(
        name=HOSTILE,
        title=HOSTILE,
        docstring=HOSTILE,
        verdict=HOSTILE,
        tiles=[Tile(HOSTILE, HOSTILE, HOSTILE)],
        findings=[
            FindingResult(HOSTILE, HOSTILE, HOSTILE, "does not hold", HOSTILE, HOSTILE, HOSTILE),
            FindingResult(HOSTILE, HOSTILE, SLUG, "not on this version", HOSTILE, HOSTILE, HOSTILE),
        ],
        figures=[figure, line],
        pictures=[hostile_shape()],
        runtimes=[
            summary,
            replace(runtime(), parameters={HOSTILE: [HOSTILE]}, repetition={HOSTILE: HOSTILE}),
        ],
        lead=HOSTILE,
        atlas=[AtlasRow(HOSTILE, HOSTILE, "less", {HOSTILE: Tile(HOSTILE, HOSTILE), SLUG: Tile(HOSTILE, 5)})],
        problems=[HOSTILE],
        command=HOSTILE,
        table=Table([HOSTILE], [[HOSTILE]], HOSTILE),
    )


def run_page(hostile: bool = False) -> RunPage:
    """A made-up run of twelve seconds: memory grows in teeth, garbage waits until a collection."""
    name = HOSTILE if hostile else "train.py"
    moments = [
        {
            "seconds": index / 100,
            "rss_bytes": 60_000_000 + 40_000 * index + 9_000_000 * (index % 150) / 150,
            "waiting_bytes": 60_000 * (index % 150),
        }
        for index in range(1_200)
    ]
    collections = [
        {
            "seconds": index * 0.05,
            "pause_seconds": 0.0002 if index % 30 else 0.035,
            "generation": 0 if index % 30 else 2,
            "collected": 700 if index % 30 else 0,
        }
        for index in range(1, 240)
    ]
    return RunPage(
        title=name,
        verdict=f"{name}: at most 8.94 MB waited for the collector, which paused the program for 0.32 s.",
        tiles=study_page().tiles[:4],
        moments=moments,
        collections=collections,
        shapes=[hostile_shape() if hostile else shape()],
        runtime=runtime(),
        problems=[f"{name}: one thread was not watched"],
        command=f"garbology run {name}",
    )
