"""The fixtures that pytest has when minitf is installed."""

pytest_plugins = ["pytester"]


def test_a_test_runs_in_both_modes(pytester):
    pytester.makepyfile(
        """
        import minitf as tf

        def test_modes(minitf_mode):
            v = tf.Variable(1.0)
            assert tf.executing_eagerly() == (minitf_mode == "eager")
            if minitf_mode == "graph":
                tf.get_default_session().run(v.initializer)
                assert v.eval() == 1.0
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_state_that_is_left_behind_is_told(pytester):
    pytester.makepyfile(
        """
        import minitf as tf

        kept = []

        def test_clean(minitf_clean):
            with tf.Graph().as_default():
                tf.Variable(1.0)

        def test_unclean(minitf_clean):
            kept.append(tf.Graph().as_default())
            kept[0].__enter__()
        """
    )
    done = pytester.runpytest_subprocess("-p", "no:randomly")
    done.assert_outcomes(passed=2, errors=1)
    done.stdout.fnmatch_lines(["*leaves state behind: current runtime*"])
