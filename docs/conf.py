"""The documents as a site of static files: `tox -e docs`, which fails on any warning.

What it shows is made elsewhere and joined in: docstrings, the commands' own help, the worked notebook, the studies'
reports. Nothing is fetched, when it is built or when it is read.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import garbology  # noqa: E402

project = "garbology"
author = "The garbology maintainers"
copyright = author
version = release = garbology.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "joined_in",
]
exclude_patterns = ["_build", "_ext"]
default_role = "literal"  # a name between single backticks, in a docstring
nitpicky = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a study's report begins with its title and goes on with parts

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"garbology {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_search_summary = False  # it would be read through the network, and a page from a disk may not
html_copy_source = False
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
