"""Small programs with known bugs that only some orders show, each beside its mended twin.

A module has ``broken(world)`` and ``mended(world)``. Its docstring explains the bug; ``ERROR`` is how the bug shows and
``DEVIATIONS`` how many steps must come out of turn for it.
"""
