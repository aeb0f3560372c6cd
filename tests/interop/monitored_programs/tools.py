"""What the programs have in common."""

import logging


class Lines(logging.Handler):
    """The log of the library in use."""

    def __init__(self, tf):
        super().__init__(logging.INFO)
        self.lines = []
        self.logger = logging.getLogger("minitf" if tf.__name__.startswith("minitf") else "tensorflow")

    def emit(self, record):
        self.lines.append(record.getMessage())

    def __enter__(self):
        self.level_before = self.logger.level
        self.logger.setLevel(logging.INFO)
        self.logger.addHandler(self)
        return self.lines

    def __exit__(self, *error):
        self.logger.setLevel(self.level_before)
        self.logger.removeHandler(self)


def model(tf):
    """A variable that grows by 1 in each step, and the global step."""
    step = tf.train.get_or_create_global_step()
    v = tf.get_variable("v", initializer=0.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        train = tf.assign_add(step, 1)
    return v, step, train


def recorder(tf, log, name="h", fetches=None, fail=()):
    """A hook that writes down its calls. ``fail``: [(call, how often before, error)], each once."""
    fail = [list(f) for f in fail]

    class Recorder(tf.train.SessionRunHook):
        def note(self, call, *more):
            log.append([name, call, *more])
            for f in list(fail):
                if f[0] == call:
                    if f[1] == 0:
                        fail.remove(f)
                        raise f[2]
                    f[1] -= 1

        def begin(self):
            self.note("begin", tf.get_default_graph().finalized)

        def after_create_session(self, session, coord):
            self.note("after_create_session", session.graph.finalized, coord.should_stop(), type(session).__name__)

        def before_run(self, run_context):
            args = run_context.original_args
            self.note("before_run", args.feed_dict is None, run_context.stop_requested)
            return None if fetches is None else tf.train.SessionRunArgs(fetches())

        def after_run(self, run_context, run_values):
            results = run_values.results
            self.note("after_run", results if results is None else float(results))

        def end(self, session):
            self.note("end", session.graph.finalized)

    return Recorder()


def outcome(act):
    """What comes of a call: its value, or the class of its error."""
    try:
        return act()
    except Exception as error:
        kinds = [k for k in type(error).__mro__ if k.__module__ in ("builtins",) or "errors" in k.__module__]
        return "raises " + kinds[0].__name__
