"""What the tests of the storages share stands in modules beside them; this makes those importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
