"""Devices, settings and test cases, as far as TensorFlow cannot be asked (tests/interop/names_of_programs.txt has the rest)."""

import os

import pytest

import minitf as tf

CPU = tf.config.list_physical_devices()[0]


def test_what_one_cpu_cannot_have_is_refused():
    with pytest.raises(RuntimeError, match="cannot divide the CPU"):
        tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration(memory_limit=100)])
    with pytest.raises(ValueError, match="is not of the type 'GPU'"):
        tf.config.set_visible_devices([CPU], "GPU")
    with pytest.raises(ValueError, match="always"):
        tf.config.experimental.set_synchronous_execution(False)
    tf.config.experimental.set_synchronous_execution(True)
    tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()])


def test_numbers_of_threads_are_remembered():
    before = tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads()
    tf.config.threading.set_intra_op_parallelism_threads(3)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    assert tf.config.threading.get_intra_op_parallelism_threads() == 3
    assert tf.config.threading.get_inter_op_parallelism_threads() == 2
    tf.config.threading.set_intra_op_parallelism_threads(before[0])
    tf.config.threading.set_inter_op_parallelism_threads(before[1])


def test_functions_that_run_eagerly_are_not_traced_and_methods_neither():
    class Net(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([])])
        def __call__(self, x):
            return x.numpy() + 1.0

    net = Net()
    tf.config.run_functions_eagerly(True)
    try:
        assert net(tf.constant(1.0)) == 2.0
        assert net.__call__.experimental_get_tracing_count() == 0
    finally:
        tf.config.run_functions_eagerly(False)
    with pytest.raises(NotImplementedError, match="has no value yet"):
        net(tf.constant(1.0))


def test_the_version_is_that_of_minitf():
    assert tf.version.VERSION == tf.__version__
    assert isinstance(tf.version.COMPILER_VERSION, str)
    assert not hasattr(tf.version, "GRAPH_DEF_VERSION")


def test_a_test_case_has_an_empty_graph_and_a_directory_that_goes_away():
    seen = []

    class Case(tf.test.TestCase):
        def runTest(self):
            directory = self.get_temp_dir()
            assert self.get_temp_dir() == directory
            seen.append((directory, os.path.isdir(directory), tf.get_default_graph().get_operations()))
            with self.session() as session:
                self.assertAllEqual(session.run(tf.constant([1])), [1])

    for _ in range(2):
        result = Case().run()
        assert result.wasSuccessful(), result.errors + result.failures
    assert [was for _, was, _ in seen] == [True, True]
    assert [operations for *_, operations in seen] == [[], []]
    assert not any(os.path.exists(directory) for directory, *_ in seen)


def test_main_runs_the_tests_of_the_program(tmp_path):
    import subprocess
    import sys

    program = tmp_path / "program.py"
    program.write_text(
        "import minitf as tf\n"
        "class T(tf.test.TestCase):\n"
        "    def test_it(self):\n"
        "        self.assertAllClose(tf.constant([1.0]), [1.0])\n"
        "if __name__ == '__main__':\n"
        "    tf.test.main()\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert (done.returncode, "Ran 1 test" in done.stderr) == (0, True), done.stderr
