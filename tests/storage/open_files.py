"""A disk that knows which files are open."""

from minitf.storage.files import Disk


class Open(Disk):
    """``paths``: the names of the files that are open, by handle."""

    def __init__(self):
        self.paths = {}

    def create(self, path):
        return self._opened(super().create(path), path)

    def open(self, path):
        return self._opened(super().open(path), path)

    def _opened(self, handle, path):
        self.paths[handle] = path.rpartition("/")[2]
        return handle

    def close(self, handle):
        del self.paths[handle]
        super().close(handle)
