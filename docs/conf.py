"""The site: `make docs` writes it to build/site. Warnings are errors, and no page asks another machine for anything."""

import sys
from pathlib import Path

import normtheory  # from this tree, where `python -m sphinx` runs

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "normtheory"
html_math_renderer = "mathml"  # of extensions/mathml.py
author = "normtheory contributors"
project_copyright = author
version = release = normtheory.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinxcontrib.bibtex",
    "sphinx_gallery.gen_gallery",
    # The site's own, in docs/extensions:
    "mathml",
    "claim_pages",
    "api_pages",
    "command_pages",
]
exclude_patterns = ["package.md", "templates", "extensions", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["templates"]
suppress_warnings = ["config.cache"]  # the gallery's settings hold functions
default_role = "py:obj"  # docstrings put code between single backticks
nitpicky = False

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrtalpha"
bibtex_reference_style = "author_year"

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints_format = "short"
autosummary_generate = False  # api_pages writes a page for each module
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 100
add_module_names = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 0,
    "reset_modules": ("matplotlib",),
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "normtheory"
html_static_path = ["static"]
html_favicon = "static/favicon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": [], "quickstart": [], "theory": []}  # pages with nothing below them
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "collapse_navigation": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
