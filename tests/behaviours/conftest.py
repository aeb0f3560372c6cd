"""Makes the list of planted mistakes importable from the test beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
