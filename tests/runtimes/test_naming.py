"""Names of operations: kept as series with numbers, the same names as if each had been written down."""

from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.runtimes.naming import Names, with_number


class WrittenDown:
    """The rule on a set of names: a taken name gets the first free number from where its last search ended."""

    def __init__(self):
        self.taken, self.tried = set(), {}

    def take(self, full, mark):
        key, number = full.lower(), self.tried.get(full.lower(), 1)
        if key not in self.taken:
            name = full
        else:
            while f"{key}_{number}" in self.taken:
                number += 1
            name = f"{full}_{number}"
            if mark:
                self.tried[key] = number + 1
        if mark:
            self.taken.add(name.lower())
        return name


texts = st.sampled_from(["a", "A", "a_1", "a_2", "a_1_1", "a_01", "a_0", "a_10", "b_3", "b", "s/a", "S/a_1", "s/A_1_2"])


@given(st.lists(st.tuples(texts, st.sampled_from(["usual", "marked", "marked", "only asked"])), max_size=60))
def test_names_are_those_of_a_set_of_names(asked):
    names, written = Names(), WrittenDown()
    for full, how in asked:
        if how == "usual":
            path, slash, name = full.rpartition("/")
            got = with_number(*names.usual(path + slash, name))
        else:
            got = with_number(full, names.take(full, how == "marked"))
        assert got == written.take(full, how != "only asked")


def test_a_name_chosen_ahead_is_left_out_of_the_series():
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        tf.add(x, x, name="add_2")
        names = [(x + x).op.name for _ in range(4)]
        assert names == ["add", "add_1", "add_3", "add_4"]
        assert tf.add(x, x, name="add_3").op.name == "add_3_1"
        assert graph.get_operation_by_name("add_3").name == "add_3"


def test_operations_made_after_the_first_question_are_found():
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        (x + x)
        assert graph.get_operation_by_name("add").number == 1
        with tf.name_scope("inner"):
            y = x + x
        assert graph.get_tensor_by_name("inner/add:0") is y
