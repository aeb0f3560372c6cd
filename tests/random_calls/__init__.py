"""Random calls of every op, run by TensorFlow and by minitf, with the results compared.

``forms``       how the calls of an op are written, for the inputs that its block draws
``formulas``    functions made of several ops, with inputs of their own
``chance``      random ops, of which all but the numbers is compared
``calls``       draws calls: right ones, and ones with something wrong
``oracle``      TensorFlow in a process of its own (``child`` is what runs there)
``comparing``   whether two answers are the same, within the bounds that the ops state
``deviations``  where they may differ, and why
"""
