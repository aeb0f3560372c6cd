"""What a sharding callback may give back, wrong and odd, for a checkpoint of one variable ``v`` of shape (4,), [1, 2, 3, 4].

``results(tf)`` has for each name a function of the shardable tensors. minitf's tests and those with TensorFlow run the same.
"""

KEY = "v/.ATTRIBUTES/VARIABLE_VALUE"
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def results(tf):
    def plain(tensors):
        return {one.checkpoint_key: {one.slice_spec: one.tensor} for one in tensors}

    def without(key):
        return lambda tensors: [{k: v for k, v in plain(tensors).items() if k != key}]

    def instead(make):
        """``make(value of v)`` gives what stands under its key."""
        return lambda tensors: [plain(tensors) | {KEY: make(plain(tensors)[KEY][""])}]

    def beside(make):
        """What stands under its key in a second data file."""
        return lambda tensors: [plain(tensors), {KEY: make(plain(tensors)[KEY][""])}]

    def other_key(key):
        return lambda tensors: [{(key if k == KEY else k): v for k, v in plain(tensors).items()}]

    def raising(tensors):
        raise KeyError("mine")

    def generator(tensors):
        yield plain(tensors)

    return {
        "left out": without(KEY),
        "graph left out": without(GRAPH),
        "no slice": instead(lambda t: {}),
        "no tensor": instead(lambda t: {"": None}),
        "twice": beside(lambda t: {"": t}),
        "piece beside the whole": beside(lambda t: {"4 2,2": t[2:]}),
        "piece and whole": instead(lambda t: {"": t, "4 2,2": t[2:]}),
        "other dtype": instead(lambda t: {"": tf.cast(t, tf.float64)}),
        "other shape": instead(lambda t: {"": tf.reshape(t, [2, 2])}),
        "other whole": instead(lambda t: {"6 0,2": t[:2], "6 2,2": t[2:]}),
        "other rank": instead(lambda t: {"2 2 0,1:-": t[None, :2], "2 2 1,1:-": t[None, 2:]}),
        "other values": instead(lambda t: {"": t + 1.0}),
        "added": lambda tensors: [plain(tensors) | {"zz": {"": tf.constant(1.0)}}],
        "overlap": instead(lambda t: {"4 0,3": t[:3], "4 2,2": t[2:]}),
        "gap": instead(lambda t: {"4 0,2": t[:2]}),
        "beyond": instead(lambda t: {"4 0,2": t[:2], "4 2,3": tf.concat([t[2:], t[:1]], 0)}),
        "two axes": instead(lambda t: {"4 0,2:-": t[:2]}),
        "empty piece": instead(lambda t: {"4 0,0": t[:0], "4 0,4": t}),
        "another part": instead(lambda t: {"4 0,2": t}),
        "no list": lambda tensors: None,
        "iterator": lambda tensors: iter([plain(tensors)]),
        "generator": generator,
        "mapping": plain,
        "tensor for a mapping": instead(lambda t: t),
        "no data file": lambda tensors: [],
        "nothing in a file": lambda tensors: [{}],
        "nothing in the first": lambda tensors: [{}, plain(tensors)],
        "nothing in the last": lambda tensors: [plain(tensors), {}],
        "slice None": instead(lambda t: {None: t}),
        "slice number": instead(lambda t: {3: t}),
        "slice word": instead(lambda t: {"hello": t}),
        "slice with a space": instead(lambda t: {"4 0,4 ": t}),
        "key number": other_key(3),
        "raises": raising,
        # right, if odd
        "tuple": lambda tensors: (plain(tensors),),
        "bytes": lambda tensors: [{k.encode(): {b"": v[""]} for k, v in plain(tensors).items()}],
        "all as a slice": instead(lambda t: {"4 0,4": t}),
        "all of an axis": instead(lambda t: {"4 -": t}),
        "list": instead(lambda t: {"": [1.0, 2.0, 3.0, 4.0]}),
        "array": instead(lambda t: {"": t.numpy()}),
        "variable": lambda tensors: [plain(tensors) | {KEY: {"": o.trackable}} for o in tensors if o.checkpoint_key == KEY],
        "spread": lambda tensors: [
            {KEY: {"4 2,2": plain(tensors)[KEY][""][2:]}},
            {GRAPH: plain(tensors)[GRAPH]},
            {KEY: {"4 0,1": plain(tensors)[KEY][""][:1], "4 1,1": plain(tensors)[KEY][""][1:2]}},
        ],
        "pieces exchanged": instead(lambda t: {"4 2,2": t[:2], "4 0,2": t[2:]}),
    }
