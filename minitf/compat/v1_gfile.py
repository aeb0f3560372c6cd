"""``tf.compat.v1.gfile``: ``tf.io.gfile`` under older names. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.environment.gfile": """
            GFile GFile=FastGFile GFile=Open copy=Copy exists=Exists glob=Glob isdir=IsDirectory listdir=ListDirectory
            makedirs=MakeDirs mkdir=MkDir remove=Remove rename=Rename rmtree=DeleteRecursively stat=Stat walk=Walk""",
    },
)
