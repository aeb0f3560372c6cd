"""Plans: the needed part of a graph as one flat Python function.

For (fetches, feeds) a session walks back from the fetches once (``order``), computes what depends on constants alone
(``folding``), joins elementwise operations on large arrays to chains that run block by block (``chains``), writes one statement
for each other operation in the order of creation (``writing``; ``forms`` says how), and compiles the text (``compiled``)::

    def plan(fed, kept):
        f0 = fed[0]
        v0 = c3.read()               # c3 is the cell of a variable in this session
        v1 = f0 @ v0                 # ops that are a Python operator
        v1 += n9                     # in place: nobody needs the old v1
        v1 = k4(v1, axis=a5)         # others call their kernel
        return (out(v1), )

The order of creation is the program's order, so stateful operations of one run happen as they were written; the executor that
asks a scheduler (``runtimes.executor``) knows the other legal orders. Both give the same values, bit for bit.
"""

from minitf.runtimes.plan.compiled import Plan, handed_out
from minitf.runtimes.plan.order import initialisers, needed, normal
from minitf.runtimes.plan.silence import silently

__all__ = ["Plan", "handed_out", "initialisers", "needed", "normal", "silently"]
