"""The studies, one file each: the only place where the specimen and the instrument meet."""

import sys

# So it is while `python -m experiments.cycles` begins: what runs studies opens no window in its own process.
if sys.argv[:1] == ["-m"]:
    sys._xoptions["garbology"] = "late"
