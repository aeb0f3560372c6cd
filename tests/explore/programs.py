"""Small programs of tasks that read and write x and y; what they compute shows the order of conflicting steps."""

import itertools

from minitf.explore import ANYTHING, NOTHING, reads, writes

ACCESSES = (reads("x"), writes("x"), reads("y"), writes("y"), NOTHING, ANYTHING)


def partitions(total, most=None):
    """The ways to share ``total`` steps among tasks, larger tasks first."""
    if total == 0:
        yield ()
    for first in range(min(total, most or total), 0, -1):
        for rest in partitions(total - first, first):
            yield (first, *rest)


def programs(steps, accesses=ACCESSES):
    """All programs of so many steps, up to the order of the tasks and the exchange of x and y."""
    x_for_y = {reads("x"): reads("y"), writes("x"): writes("y"), reads("y"): reads("x"), writes("y"): writes("x")}
    numbers = {access: number for number, access in enumerate(accesses)}
    exchanged = {numbers[a]: numbers[x_for_y.get(a, a)] for a in accesses}
    seen = set()
    for sizes in partitions(steps):
        for flat in itertools.product(range(len(accesses)), repeat=steps):
            ends = list(itertools.accumulate(sizes))
            program = [flat[end - size : end] for end, size in zip(ends, sizes, strict=True)]
            other = [tuple(exchanged[n] for n in task) for task in program]
            first = min(tuple(sorted(p, key=lambda task: (-len(task), task))) for p in (program, other))
            if first not in seen:
                seen.add(first)
                yield tuple(tuple(accesses[n] for n in task) for task in first)


def body_of(program, raising=None):
    """The body. A step that writes makes a value of everything that was there; ``raising``: (task, step) that fails."""

    def body(world):
        memory = {"x": 0, "y": 0}
        noted = [0] * len(program)

        def act(number, place, access):
            if (number, place) == raising:
                raise ValueError(f"after {noted} {sorted(memory.items())}")
            touched = "xy" if access is ANYTHING else sorted(access.reads | access.writes)
            for key in touched:
                noted[number] = hash((noted[number], memory[key]))
            for key in "xy" if access is ANYTHING else access.writes:
                memory[key] = hash((number, place, noted[number], memory[key]))

        def task(number, accesses):
            yield accesses[0]
            for place, access in enumerate(accesses):
                act(number, place, access)
                if place + 1 < len(accesses):
                    yield accesses[place + 1]

        world.tasks(*(task(number, accesses) for number, accesses in enumerate(program)))
        return memory["x"], memory["y"], tuple(noted)

    return body


def classes_of(program):
    """How many classes a program has, without running it: the ways in which its orders decide all pairs that conflict."""
    steps = [(task, access) for task, accesses in enumerate(program) for access in accesses]
    pairs = [(a, b) for a, b in itertools.combinations(range(len(steps)), 2)
             if steps[a][0] != steps[b][0] and steps[a][1].conflicts(steps[b][1])]  # fmt: skip
    first = list(itertools.accumulate((len(accesses) for accesses in program), initial=0))
    seen = set()
    place = [0] * len(steps)

    def order(done, taken):
        if len(done) == len(steps):
            for at, step in enumerate(done):
                place[step] = at
            seen.add(tuple([place[a] < place[b] for a, b in pairs]))
            return
        for task, accesses in enumerate(program):
            if taken[task] < len(accesses):
                taken[task] += 1
                order([*done, first[task] + taken[task] - 1], taken)
                taken[task] -= 1

    order([], [0] * len(program))
    return len(seen)
