"""What a study is: a grid of cases, measures, and claims that can fail.

A study is one module. It declares a `Study`, and functions of it as measures, findings, figures, tiles and
the verdict; `run_study(study)` measures every case in a fresh interpreter and writes the report. Importing this
package imports no plotting library and nothing of the command line, so that a measured interpreter can
import a study.
"""

from garbology.study.claims import Claim, agree, every, growth, proportional, some
from garbology.study.conditions import Condition
from garbology.study.declaration import DeclarationError, Study
from garbology.study.figures import bars, line, points
from garbology.study.page import FigureSpec, Part, Table, Tile
from garbology.study.program import run_study
from garbology.study.runs import Case, NotMeasured, Run, Runs, Unavailable
from garbology.study.selections import Selection
from garbology.study.tables import table
from garbology.study.tiles import combined_tile, median_tile
from garbology.study.wording import counted, shown

__all__ = [
    "Case",
    "Claim",
    "Condition",
    "DeclarationError",
    "FigureSpec",
    "NotMeasured",
    "Part",
    "Run",
    "Runs",
    "Selection",
    "Study",
    "Table",
    "Tile",
    "Unavailable",
    "agree",
    "bars",
    "combined_tile",
    "counted",
    "every",
    "growth",
    "line",
    "median_tile",
    "points",
    "proportional",
    "run_study",
    "shown",
    "some",
    "table",
]
