"""Reference pages about ops, written from the registry each time the documentation is built."""

import importlib
from pathlib import Path

import minitf.ops
from minitf.core import dtypes
from minitf.core.accuracy import USUAL
from minitf.core.op import REGISTRY, Place

FACES = "minitf minitf.math minitf.nn minitf.linalg minitf.random minitf.strings minitf.bitwise".split()


def ops():
    minitf.ops.load_all()
    return {n: op for n, op in sorted(REGISTRY.items()) if op.kernel.__module__.startswith("minitf.ops.")}


ACCURACY = """# How close results are to TensorFlow's

Every op is compared with TensorFlow on random inputs of all its dtypes, at least 30,000 calls in a full run of the tests.
Elementwise results differ by at most {ulps:g} units in the last place. Where an op sums (reductions, products of matrices,
convolutions, decompositions), the difference is at most {sums:g} n eps sum|terms| more, with n terms in a sum: both sum, but in
another order. Integers, bools and strings are equal, and so are dtypes and shapes. A call with a mistake raises an error of the
class that TensorFlow raises.

The unit of a complex number is that of its modulus. A result below the smallest normal number may be 0, as TensorFlow makes it.
Eigenvectors and singular vectors are compared up to their phase, which is anybody's choice.

Gradients are compared too, first and second derivatives of every op against those of TensorFlow's tapes: an element differs by
at most {gradient:g} eps times the largest element of the gradient (or 1, if that is less), and for ops that solve equations or
decompose matrices times the condition number for each derivative. Ties and zeros, where a gradient is a choice, are among the
inputs. minitf goes another way in four places: `one_hot` has gradients by its two values, `softmax_cross_entropy` second ones
by the labels, `unsorted_segment_prod` second ones beside a 0, and `moments` second ones that move the mean.

These ops have a wider bound. How far minitf's functions are from the exact value is tested apart: at most 3 units.

| op | units in the last place | eps near a zero | why |
| --- | --- | --- | --- |
"""


def accuracy_page():
    wide = {name: op.bound for name, op in ops().items() if op.bound.wider}
    assert all(b.sums == USUAL.sums for b in wide.values()), "the table has no column for this"
    rows = [f"| `{name}` | {b.ulps:g} | {f'{b.zero:g}' if b.zero else ''} | {b.reason} |\n" for name, b in wide.items()]
    return ACCURACY.format(ulps=USUAL.ulps, sums=USUAL.sums, gradient=USUAL.gradient) + "".join(rows)


def taken(kind):
    if kind is Place:
        return "a variable"
    if kind.allowed is None:
        return "any"
    return " ".join(d.name for d in dtypes.ALL if d in kind.allowed)


def public():
    names = {}
    for face in map(importlib.import_module, FACES):
        for name in face.__all__:
            value = getattr(face, name)
            if isinstance(value, minitf.core.op.Op):
                names.setdefault(value.name, f"tf{face.__name__.removeprefix('minitf')}.{name}")
    return names


OPS = """# Ops and the dtypes they take

All {count} ops, by the names that a graph shows. Inputs with one and the same number have one dtype: tensors are not converted
silently, and the error says what to cast. A Python number takes the dtype of its neighbour. Public functions in front of an op
may take more: `tf.divide` of integers, for example.

| op | inputs: their dtypes | attributes | gradient | what it does |
| --- | --- | --- | --- | --- |
"""


def ops_page():
    sets, names = {}, public()
    for op in ops().values():
        for kind in op.kinds:
            sets.setdefault(taken(kind), len(sets) + 1)
    lines = OPS.format(count=len(ops())).splitlines()
    for name, op in ops().items():
        inputs = [*op.inputs, *([f"*{op.variadic}"] if op.variadic else [])]
        given = ", ".join(f"{i}: {sets[taken(k)]}" for i, k in zip(inputs, op.kinds, strict=False))
        shown = f"`{name}`" if name not in names else f"`{name}` (`{names[name]}`)"
        says = " ".join((op.__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|").replace("``", "`")
        lines.append(f"| {shown} | {given} | {', '.join(op.attrs)} | {'yes' if op.differentiable else ''} | {says} |")
    lines += ["", "The numbers stand for these dtypes:", "", "| number | dtypes |", "| --- | --- |"]
    lines += [f"| {n} | {kinds} |" for kinds, n in sets.items()]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Writes the pages into a folder of the documentation's source, before Sphinx reads it."""
    folder.mkdir(exist_ok=True)
    for name, page in {"accuracy.md": accuracy_page, "ops.md": ops_page}.items():
        (folder / name).write_text(page(), encoding="utf-8")
