"""Files in zip and tar archives, for reading: ``zip://run/ckpt::s3://bucket/a.zip``, ``tar://ckpt::a.tar.gz``."""

from minitf.storage.archives.disk import ArchiveDisk

__all__ = ["ArchiveDisk"]
