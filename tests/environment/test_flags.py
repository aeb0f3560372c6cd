"""How a program with flags begins and ends; what flags mean is compared with TensorFlow in

tests/interop/names_of_programs.txt.
"""

import subprocess
import sys

import pytest

PROGRAM = """
import minitf.compat.v1 as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 10, "How many steps to take.", lower_bound=1)
flags.DEFINE_string("run", None, "Where checkpoints go.")

def main(argv):
    print(argv[1:], flags.FLAGS.steps, flags.FLAGS.run)
    return flags.FLAGS.steps

if __name__ == "__main__":
    tf.app.run()
"""


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--steps=3", "a", "--run", "here"], 3, "['a'] 3 here"),
        (["--unknown=1"], 10, "['--unknown=1'] 10 None"),
        (["--steps=0"], 1, "flag --steps=0: it must be an integer from 1 to inf"),
        (["--steps"], 1, "Missing value for flag --steps"),
        (["--help"], 0, "--steps: How many steps to take.\n    (default: 10)"),
    ],
)
def test_a_program_reads_its_command_line_and_ends_with_what_main_gives(words, code, said, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, program, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
