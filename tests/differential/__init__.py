"""Random programs of objects and checkpoints, run by TensorFlow and by minitf, with everything that can be seen compared.

``programs``     a program is plain data: steps that name objects by small numbers
``drawing``      how a program is drawn, decision by decision
``strategies``   programs as a strategy of Hypothesis, and in any number for a seed
``adapter``      what a party has to answer so that programs can be run on it: TensorFlow, minitf, the model of the rules
``interpreter``  runs a program on an adapter and notes what can be seen
``oracle``       TensorFlow in a process of its own (``child`` is what runs there)
``deviations``   where minitf shall differ from TensorFlow, and what it must give there
``compare``      runs a program on both sides and tells the first difference
``shrink``       makes a differing program small
``rendering``    writes a program as Python source
``bulk``         the command: many programs, totals
"""
