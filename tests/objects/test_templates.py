"""Templates and ``capture_dependencies``. Expectations are what TensorFlow prints for the same programs."""

import itertools

import pytest

import minitf as tf

_numbers = itertools.count()


@pytest.fixture
def t():
    """A name that no template has had: eager mode counts scopes of one name as long as the process lives."""
    return f"t{next(_numbers)}"


def zeros(shape, dtype=None, **_):
    return tf.zeros(shape)


def get(name="v"):
    return tf.get_variable(name, [1], initializer=zeros)


class ManualScope(tf.train.AutoTrackable):
    """An object that has its variables captured, as a template has."""

    def __call__(self):
        with tf.variable_scope("ManualScope") as vs:
            self.variable_scope = vs
            with tf.capture_dependencies(template=self):
                return tf.get_variable("in_manual_scope", shape=[], initializer=zeros)


def templated():
    with tf.variable_scope("deep"):
        w = get("w")
    manual = ManualScope()
    return get(), get("v2"), w, manual, manual()


@pytest.mark.behaviour("S130")
def test_a_template_shares_its_variables_and_tracks_them_by_name(mode, t):
    template = tf.make_template(t, templated)
    assert template.variables == []
    v, v2, w, manual, captured = template()
    again = template()
    assert [x is y for x, y in zip(again, (v, v2, w, manual, captured), strict=True)] == [True, True, True, False, True]
    assert tf.train.children(template) == {"v": v, "v2": v2, "deep/w": w, "ManualScope": manual}
    assert tf.train.children(manual) == {"in_manual_scope": captured}
    assert (v.name, w.name, captured.name) == (f"{t}/v:0", f"{t}/deep/w:0", f"{t}/ManualScope/in_manual_scope:0")
    assert template.variable_scope_name == f"{t}/"
    assert {x.name for x in template.variables} == {x.name for x in (v, v2, w, captured)}
    assert len(template.trainable_weights) == 4
    assert template.non_trainable_variables == []
    assert template.name == t


@pytest.mark.behaviour("S130")
def test_templates_inside_templates_are_tracked_instead_of_their_variables(mode, t):
    def outer():
        one, two = tf.make_template("i1", get), tf.make_template("i2", get)
        return (one, two), (one(), two(), two())

    with tf.variable_scope("around"):
        template = tf.make_template(t, outer)
        (one, two), (a, b, c) = template()
    assert b is c
    assert [a.name, b.name] == [f"around/{t}/i1/v:0", f"around/{t}/i2/v:0"]
    assert tf.train.children(template) == {"i1": one, "i2": two}
    assert tf.train.children(one) == {"v": a}
    assert [x.name for x in template.variables] == [f"around/{t}/i1/v:0", f"around/{t}/i2/v:0"]
    assert [x.name for x in one.variables] == [f"around/{t}/i1/v:0"]
    _, again = template()
    assert again[0] is a
    assert again[1] is b


def test_two_templates_of_one_name_have_two_scopes(mode, t):
    first, second = tf.make_template(t, get), tf.make_template(t, get)
    assert first().name == f"{t}/v:0"
    assert second().name == f"{t}_1/v:0"
    assert second.name == t
    now = tf.make_template("now" + t, get, create_scope_now_=True)
    later = tf.make_template("now" + t, get, create_scope_now_=True)
    assert now.variable_scope.name == "now" + t
    assert later.variable_scope.name == f"now{t}_1"
    assert later().name == f"now{t}_1/v:0"
    assert now().name == f"now{t}/v:0"


def test_arguments_that_are_always_the_same(mode, t):
    template = tf.make_template(t, get, name="w")
    assert template().name == f"{t}/w:0"
    assert template() is template()


def test_a_later_call_must_not_make_trainable_variables(mode, t):
    template = tf.make_template(t, get)
    template("a")
    with pytest.raises(ValueError, match=r"trainable variable|does not exist"):
        template("b")


def test_a_variable_made_with_the_class_in_a_graph_is_noticed():
    def loose():
        return tf.Variable([1.0], name="loose")

    with tf.Graph().as_default():
        template = tf.make_template("t", loose)
        template()
        with pytest.raises(
            ValueError, match="a trainable variable was made by a call after the first one: t_1/loose:0"
        ) as error:
            template()
        assert "test_templates.py" in error.value.__notes__[0]
        assert tf.train.children(template) == {}


def test_unique_names_are_for_graphs(mode):
    if mode.eager:
        with pytest.raises(ValueError, match="unique_name_"):
            tf.make_template("t", get, unique_name_="fixed")
        return
    assert tf.make_template("t", get, unique_name_="fixed")().name == "fixed/v:0"
    with pytest.raises(ValueError, match="already exists"):
        tf.make_template("t", get, unique_name_="fixed")()


def test_errors_say_where_the_template_was_made(mode):
    def broken():
        raise KeyError("boom")

    template = tf.make_template("broken", broken)
    with pytest.raises(KeyError) as error:
        template()
    assert "In the template 'broken', which was made in" in error.value.__notes__[0]
    with pytest.raises(ValueError, match="name"):
        tf.make_template(None, broken)


def test_a_first_call_that_fails_may_be_repeated(mode, t):
    fails = [True]

    def once():
        v = get()
        if fails.pop() if fails else False:
            raise RuntimeError("not yet")
        return v

    template = tf.make_template(t, once)
    with pytest.raises(RuntimeError):
        template()
    if mode.eager:
        assert template().name == f"{t}/v:0"
        assert list(tf.train.children(template)) == ["v"]


def test_a_custom_getter_makes_the_variables(mode, t):
    asked = []

    def getter(getter, name, *args, **kwargs):
        asked.append(name)
        return getter(name, *args, **kwargs)

    template = tf.make_template(t, get, custom_getter_=getter)
    template()
    assert asked == [f"{t}/v"]
    assert list(tf.train.children(template)) == ["v"]


@pytest.fixture
def checkpoint(mode):
    """A Checkpoint whose saves and restores find the session."""
    if mode.session:
        with mode.session.as_default():
            yield tf.train.Checkpoint
    else:
        yield tf.train.Checkpoint


@pytest.mark.behaviour("S130", "S63")
def test_a_template_is_restored_when_it_is_called(mode, t, checkpoint, tmp_path):
    template = tf.make_template(t, templated)
    v, v2, w, _, captured = template()
    for variable, value in ((v, [12.0]), (v2, [14.0]), (w, [15.0]), (captured, -5.0)):
        mode.set(variable, value)
    path = checkpoint(my_template=template).write(str(tmp_path / "x"))
    loaded = tf.make_template(t, templated)
    status = checkpoint(my_template=loaded).read(path)
    v, v2, w, _, captured = loaded()
    assert v.name == f"{t}_1/v:0"
    assert sorted(tf.train.children(loaded)) == ["ManualScope", "deep/w", "v", "v2"]
    status.assert_consumed().run_restore_ops()
    assert [mode.value(x) for x in (v, v2, w, captured)] == [[12.0], [14.0], [15.0], -5.0]


@pytest.mark.behaviour("S130", "S68")
def test_a_restored_template_does_not_initialise_in_vain(mode, t, checkpoint, tmp_path):
    calls = []

    def noting(shape, dtype=None, **_):
        calls.append(shape)
        return tf.zeros(shape)

    def function():
        return tf.get_variable("v", [1], initializer=noting)

    template = tf.make_template(t, function)
    mode.set(template(), [3.0])
    path = checkpoint(t=template).write(str(tmp_path / "x"))
    loaded = tf.make_template(t, function)
    status = checkpoint(t=loaded).read(path)
    del calls[:]
    variable = loaded()
    assert len(calls) == (0 if mode.eager else 1)
    status.run_restore_ops()
    assert mode.value(variable) == [3.0]


@pytest.mark.behaviour("S130")
def test_templates_inside_templates_are_restored(mode, t, checkpoint, tmp_path):
    def outer():
        one, two = tf.make_template("i1", get), tf.make_template("i2", get)
        return one(), two(), two()

    template = tf.make_template(t, outer)
    a, b, _ = template()
    mode.set(a, [20.0])
    mode.set(b, [25.0])
    path = checkpoint(t=template).write(str(tmp_path / "x"))
    loaded = tf.make_template(t + "again", outer)
    status = checkpoint(t=loaded).read(path)
    variables = loaded()
    status.assert_consumed().run_restore_ops()
    assert [mode.value(x) for x in variables] == [[20.0], [25.0], [25.0]]
