"""Sphinx: the pages are Markdown (MyST); scripts/check does not build them, .ci/run does, and takes warnings as errors."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import pages_about_ops

project = "minitf"
copyright = "the minitf authors"
version = release = installed("minitf")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "two runtimes, one variable, TensorFlow's object-based checkpoints",
    "page_width": "1000px",
}
html_show_copyright = False
html_show_sphinx = False


def setup(app):
    """Pages that are made of the code."""
    pages_about_ops.write(Path(__file__).parent / "reference" / "made")
