"""The rules of restoring as small stories about the reference model."""

import gc

import pytest

from minitf.testing.model import Model, Node, Optimizer, Saver, Variable


@pytest.fixture(params=[False, True], ids=["eager", "graph"])
def m(request):
    return Model(graph=request.param)


@pytest.fixture
def eager():
    return Model()


@pytest.fixture
def graph():
    return Model(graph=True)


def saved(model, root):
    """A checkpoint of a tree whose variables have all been initialised."""
    Saver(model, root).restore(None).initialize_or_restore()
    return Saver(model, root).save()


def state(model, value):
    return Variable(model, value, kind="state")


def values(*variables):
    return [v.value for v in variables]


# -- matching ------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S62", "S88")
def test_what_exists_is_restored_inside_restore(eager):
    path = saved(eager, Node(eager, a=Variable(eager, 1), inner=Node(eager, b=Variable(eager, 2))))
    a, b = Variable(eager, 0), Variable(eager, 0)
    status = Saver(eager, Node(eager, inner=Node(eager, b=b), a=a)).restore(path)
    assert values(a, b) == [1, 2]
    assert status.assert_consumed() is status


@pytest.mark.behaviour("S90", "S91", "S89")
def test_only_names_are_compared(m):
    path = saved(m, Node(m, a=Variable(m, 1)))
    net = Node(m, renamed=Variable(m, 7), inner=Node(m, a=Variable(m, 8)))
    status = Saver(m, net).restore(path)
    status.initialize_or_restore()
    assert net.edges["renamed"].value == 7
    assert net.edges["inner"].edges["a"].value == 8
    Saver(m, net.edges["inner"]).restore(path).run_restore_ops()
    assert net.edges["inner"].edges["a"].value == 1


@pytest.mark.behaviour("S93", "S94")
def test_one_saved_object_and_two_live_ones_the_shallower_wins(eager):
    shared = Variable(eager, 1)
    path = saved(eager, Node(eager, deep=Node(eager, v=shared), v=shared))
    deep, shallow = Variable(eager, 0), Variable(eager, 0)
    status = Saver(eager, Node(eager, deep=Node(eager, v=deep), v=shallow)).restore(path)
    assert values(deep, shallow) == [0, 1]
    for ask in (status.assert_consumed, status.assert_existing_objects_matched):
        with pytest.raises(AssertionError):
            ask()


@pytest.mark.behaviour("S97")
def test_what_is_found_is_not_waited_for_elsewhere(eager):
    shared = Variable(eager, 1)
    path = saved(eager, Node(eager, v=shared, inner=Node(eager, v=shared)))
    net = Node(eager, v=Variable(eager, 0), inner=Node(eager))
    status = Saver(eager, net).restore(path)
    other = net.edges["inner"].attach("v", Variable(eager, 0))
    del net.edges["inner"].edges["v"]
    status.assert_consumed()  # the other one was never offered, so it is not remembered as unmatched
    assert other.value == 0


@pytest.mark.behaviour("S99")
def test_two_saved_objects_and_one_live_one_the_first_saved_wins(eager):
    path = saved(eager, Node(eager, a=Variable(eager, 1), b=Variable(eager, 2)))
    one = Variable(eager, 0)
    Saver(eager, Node(eager, b=one, a=one)).restore(path).assert_consumed()
    assert one.value == 1


@pytest.mark.behaviour("S100")
def test_circles_are_followed_once(m):
    def ring(value):
        first, second = Node(m, v=Variable(m, value)), Node(m)
        first.attach("next", second)
        second.attach("next", first)
        return first

    path = saved(m, ring(1))
    net = ring(0)
    status = Saver(m, net).restore(path).assert_consumed()
    status.run_restore_ops()
    assert net.edges["v"].value == 1


@pytest.mark.behaviour("S102", "S103")
def test_a_value_that_meets_no_place_and_a_place_that_meets_no_value(eager):
    with_value = saved(eager, Node(eager, x=Variable(eager, 1)))
    without = saved(eager, Node(eager, x=Node(eager)))
    Saver(eager, Node(eager, x=Variable(eager, 5))).restore(without).assert_consumed()
    status = Saver(eager, Node(eager, x=Node(eager))).restore(with_value).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="values"):
        status.assert_consumed()


# -- waiting -------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S63", "S64", "S65", "S74")
def test_a_value_waits_for_its_object_and_is_used_once(eager):
    path = saved(eager, Node(eager, inner=Node(eager, v=Variable(eager, 1))))
    net = Node(eager)
    status = Saver(eager, net).restore(path)
    with pytest.raises(AssertionError, match="Unresolved"):
        status.assert_consumed()
    inner = Node(eager)
    net.attach("inner", inner)
    first, second = Variable(eager, 0), Variable(eager, 0)
    inner.attach("v", first)
    status.assert_consumed()
    inner.attach("v", second)
    assert values(first, second) == [1, 0]


@pytest.mark.behaviour("S66")
def test_requests_stay_with_the_parent(eager):
    path = saved(eager, Node(eager, inner=Node(eager, v=Variable(eager, 1))))
    net = Node(eager, inner=Node(eager))
    Saver(eager, net).restore(path)
    detached = net.edges["inner"]
    net.attach("inner", Node(eager))
    assert detached.attach("v", Variable(eager, 0)).value == 1
    assert net.edges["inner"].attach("v", Variable(eager, 0)).value == 0


@pytest.mark.behaviour("S68", "S69", "S72")
def test_a_variable_added_through_an_object_is_not_initialised_in_vain(eager):
    path = saved(eager, Node(eager, v=Variable(eager, 1)))
    net = Node(eager)
    Saver(eager, net).restore(path)
    calls = []
    assert net.add_variable("v", lambda: calls.append("v")).value == 1
    assert net.add_variable("w", lambda: calls.append("w") or 5).value == 5
    assert calls == ["w"]


@pytest.mark.behaviour("S79", "S80")
def test_what_carries_no_value_waits_only_if_every_object_counts(eager):
    path = saved(eager, Node(eager, empty=Node(eager), v=Variable(eager, 1)))
    for strict in (True, False):
        net = Node(eager, v=Variable(eager, 0))
        status = Saver(eager, net, strict=strict).restore(path)
        net.attach("empty", Node(eager))
        assert (net.edges["empty"].uid > 0) is strict
        status.assert_consumed()
    status = Saver(eager, Node(eager, v=Variable(eager, 0)), strict=True).restore(path)
    with pytest.raises(AssertionError):
        status.assert_consumed()
    Saver(eager, Node(eager, v=Variable(eager, 0)), strict=False).restore(path).assert_consumed()


# -- several restores ----------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S151", "S152", "S155")
def test_the_newest_wins_and_older_ones_fill_the_gaps(eager):
    old = saved(eager, Node(eager, a=Variable(eager, 1), b=Variable(eager, 1)))
    new = saved(eager, Node(eager, a=Variable(eager, 2)))
    net = Node(eager)
    older, newer = Saver(eager, net).restore(old), Saver(eager, net).restore(new)
    assert net.attach("a", Variable(eager, 0)).value == 2
    assert net.attach("b", Variable(eager, 0)).value == 1
    older.assert_consumed()
    with pytest.raises(AssertionError):
        newer.assert_existing_objects_matched()


@pytest.mark.behaviour("S153", "S154")
def test_an_older_restore_goes_on_to_the_children_of_what_it_may_not_assign(eager):
    old = saved(eager, Node(eager, x=Node(eager, v=Variable(eager, 1), only=Variable(eager, 1))))
    new = saved(eager, Node(eager, v=Variable(eager, 2)))
    x = Node(eager, v=Variable(eager, 0))
    waits = Node(eager)
    older = Saver(eager, waits).restore(old)
    Saver(eager, x).restore(new)
    waits.attach("x", x)
    assert x.edges["v"].value == 2
    assert x.attach("only", Variable(eager, 0)).value == 1
    older.assert_consumed()


@pytest.mark.behaviour("S107")
def test_restoring_again_undoes_what_was_done_by_hand(eager):
    net = Node(eager, v=Variable(eager, 1))
    path = saved(eager, net)
    net.edges["v"].value = 9
    Saver(eager, net).restore(path)
    assert net.edges["v"].value == 1


# -- graphs --------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S169", "S173", "S175", "S83", "S201")
def test_in_a_graph_nothing_happens_before_the_run(graph):
    path = saved(graph, Node(graph, a=Variable(graph, 1), b=Variable(graph, 2)))
    net = Node(graph, a=Variable(graph, 0))
    status = Saver(graph, net).restore(path)
    b = net.attach("b", Variable(graph, 7))
    status.assert_consumed()
    assert values(net.edges["a"], b) == [None, None]
    status.run_restore_ops()
    assert values(net.edges["a"], b) == [1, 2]
    b.initialise()
    assert b.value == 7
    status.run_restore_ops()
    assert b.value == 2


@pytest.mark.behaviour("S158", "S157", "S159")
def test_in_a_graph_the_run_decides_among_what_existed_and_the_number_among_what_came_later(graph):
    net = Node(graph, v=Variable(graph, 1))
    first = saved(graph, Node(graph, v=Variable(graph, 1), late=Variable(graph, 1)))
    second = saved(graph, Node(graph, v=Variable(graph, 2), late=Variable(graph, 2)))
    one, two = Saver(graph, net).restore(first), Saver(graph, net).restore(second)
    two.run_restore_ops()
    one.run_restore_ops()
    assert net.edges["v"].value == 1
    net.attach("late", Variable(graph, 0))
    one.run_restore_ops()
    assert net.edges["late"].value is None
    two.run_restore_ops()
    assert net.edges["late"].value == 2


@pytest.mark.behaviour("S208", "S209", "S211", "S212", "S210")
def test_initialising_what_was_not_restored(graph):
    path = saved(graph, Node(graph, a=Variable(graph, 1)))
    net = Node(graph, a=Variable(graph, 0))
    net.attach("b", Variable(graph, lambda: net.edges["a"].value + 10))
    status = Saver(graph, net).restore(path)
    status.initialize_or_restore()
    assert values(net.edges["a"], net.edges["b"]) == [1, 11]
    net.edges["b"].value = 50
    status.initialize_or_restore()
    assert net.edges["b"].value == 11
    newer = Saver(graph, net).restore(saved(graph, Node(graph, b=Variable(graph, 3))))
    newer.run_restore_ops()
    status.initialize_or_restore()
    assert net.edges["b"].value == 3


@pytest.mark.behaviour("S215", "S216", "S217")
def test_restoring_none_only_initialises(m):
    net = Node(m, v=Variable(m, 4))
    status = Saver(m, net).restore(None)
    for ask in (status.assert_consumed, status.assert_nontrivial_match, status.assert_existing_objects_matched):
        with pytest.raises(AssertionError, match="Nothing is being restored"):
            ask()
    with pytest.raises(AssertionError):
        status.run_restore_ops()
    status.initialize_or_restore()
    assert net.edges["v"].value == 4
    later = Saver(m, net).restore(saved(m, Node(m, v=Variable(m, 5))))
    later.run_restore_ops()
    status.initialize_or_restore()
    assert net.edges["v"].value == 5


@pytest.mark.behaviour("S162", "S165", "S168")
def test_python_state_is_restored_at_once(m):
    path = saved(m, Node(m, s=state(m, "saved"), v=Variable(m, 1)))
    net = Node(m, s=state(m, "mine"), v=state(m, "other"))
    status = Saver(m, net).restore(path)
    assert net.edges["s"].value == "saved"
    net.edges["s"].value = "again"
    status.run_restore_ops()
    assert values(net.edges["s"], net.edges["v"]) == ["again", "other"]
    with pytest.raises(AssertionError):
        status.assert_consumed()


# -- slots ---------------------------------------------------------------------------------------------------------------


def trained(model, value, moment):
    net = Node(model, v=Variable(model, value))
    net.attach("opt", Optimizer(model)).slot(net.edges["v"], "m", moment)
    return net


@pytest.mark.behaviour("S133", "S134", "S135", "S119")
@pytest.mark.parametrize("order", [("v", "opt"), ("opt", "v")])
def test_eager_slots_come_with_the_second_of_the_two(eager, order):
    path = saved(eager, trained(eager, 1, 10))
    parts = {"v": Variable(eager, 0), "opt": Optimizer(eager)}
    net = Node(eager)
    status = Saver(eager, net).restore(path)
    net.attach(order[0], parts[order[0]])
    assert parts["opt"].slots == {}
    with pytest.raises(AssertionError):
        status.assert_consumed()
    net.attach(order[1], parts[order[1]])
    assert parts["opt"].slots[parts["v"], "m"].value == 10
    status.assert_consumed()
    net = Node(eager, v=Variable(eager, 0), opt=Optimizer(eager))
    Saver(eager, net).restore(path).assert_consumed()
    assert net.edges["opt"].slots[net.edges["v"], "m"].value == 10


@pytest.mark.behaviour("S139", "S140")
def test_in_a_graph_training_makes_the_slots(graph):
    path = saved(graph, trained(graph, 1, 10))
    net = Node(graph, v=Variable(graph, 0), opt=Optimizer(graph))
    status = Saver(graph, net).restore(path)
    assert net.edges["opt"].slots == {}
    slot = net.edges["opt"].slot(net.edges["v"], "m", 0)
    status.run_restore_ops()
    assert slot.value == 10
    status.assert_consumed()


@pytest.mark.behaviour("S131", "S144", "S142")
def test_slots_belong_to_both(eager):
    net = trained(eager, 1, 10)
    assert len(Saver(eager, Node(eager, v=net.edges["v"])).save()) == 2
    assert len(Saver(eager, net).save()) == 4
    with_slots, without = saved(eager, net), saved(eager, Node(eager, v=Variable(eager, 2)))
    status = Saver(eager, net, strict=False).restore(without)
    with pytest.raises(AssertionError):
        status.assert_existing_objects_matched()
    fresh = Node(eager)
    earlier, later = Saver(eager, fresh).restore(with_slots), Saver(eager, fresh, strict=False).restore(without)
    fresh.attach("v", Variable(eager, 0))
    later.assert_consumed()
    fresh.attach("opt", Optimizer(eager))
    earlier.assert_consumed()
    assert fresh.edges["v"].value == 2
    assert fresh.edges["opt"].slots[fresh.edges["v"], "m"].value == 10


# -- statuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S104")
def test_a_match_keeps_nothing_alive(eager):
    path = saved(eager, Node(eager, v=Variable(eager, 1)))
    net = Node(eager, v=Variable(eager, 0))
    status = Saver(eager, net).restore(path).assert_consumed()
    del net.edges["v"]
    gc.collect()
    with pytest.raises(AssertionError):
        status.assert_consumed()


@pytest.mark.behaviour("S196", "S202")
def test_what_was_seen_unmatched_is_remembered(eager):
    net = Node(eager, v=Variable(eager, 1))
    status = Saver(eager, net).restore(saved(eager, net)).assert_consumed()
    extra = net.attach("extra", Variable(eager, 0))
    for _ in range(2):
        with pytest.raises(AssertionError):
            status.assert_existing_objects_matched()
        net.edges.pop("extra", None)
    del extra
    gc.collect()
    status.assert_existing_objects_matched()


@pytest.mark.behaviour("S203", "S204")
def test_trivial_matches(eager):
    path = saved(eager, Node(eager, v=Variable(eager, 1)))
    with pytest.raises(AssertionError, match="Nothing except the root"):
        Saver(eager, Node(eager, w=Variable(eager, 1))).restore(path).assert_nontrivial_match()
    with pytest.raises(AssertionError, match="Nothing to load"):
        Saver(eager, Node(eager)).restore(path).assert_nontrivial_match()
    Saver(eager, Node(eager, v=Node(eager))).restore(path).assert_nontrivial_match()


@pytest.mark.behaviour("S251")
def test_what_has_no_value_cannot_be_saved(graph):
    with pytest.raises(ValueError, match="not initialised"):
        Saver(graph, Node(graph, v=Variable(graph, 1))).save()
