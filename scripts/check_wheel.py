"""Says what a built wheel lacks or has too much of. usage: check_wheel.py FILE.whl"""

import sys
import zipfile

NEEDED = (
    "minitf/__init__.py",
    "minitf/py.typed",
    "minitf/data/digits.npz",
    ".dist-info/licenses/LICENSE",
    ".dist-info/licenses/minitf/data/NOTICE.md",
)

(path,) = sys.argv[1:]
names = zipfile.ZipFile(path).namelist()
missing = [needed for needed in NEEDED if not any(name.endswith(needed) for name in names)]
foreign = [name for name in names if not name.startswith("minitf/") and ".dist-info/" not in name]
for what, found in (("lacks", missing), ("should not hold", foreign)):
    for name in found:
        print(f"{path} {what} {name}")
if missing or foreign:
    sys.exit(1)
print(f"{path.rsplit('/', 1)[-1]}: {len(names)} files")
