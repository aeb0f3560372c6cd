"""TensorFlow, imported once: runs each script that it is told in a process of its own, forked off before any op has run.

TensorFlow's interpreter runs this file for the fixture ``oracle``. A line of standard input is a request, JSON: script,
arguments, folder, out and err (files for what it prints). The answer is a line with the exit code. Importing takes seconds,
a fork takes milliseconds, and a script sees what it would have seen in an interpreter of its own; what is registered to be done
at exit is left out.
"""

import json
import os
import sys
import traceback
import types


def run(request):
    """The forked process: from here on the script is ``__main__``. Returns its exit code."""
    os.chdir(request["folder"])
    for number, path in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), number)
    sys.stdin, sys.argv = open(0, closefd=False), ["-c", *request["arguments"]]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        exec(compile(request["script"], "<string>", "exec"), main.__dict__)
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve():
    import tensorflow as tf

    tf.keras.layers, tf.compat.v1.keras  # imported when first named
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(run(request))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
