"""All small programs of objects and checkpoints, on three sides: eager mode, a graph with a session, and the reference model.

``steps``      what a program may do next
``sides``      how a side does it, and what can be seen of it afterwards
``canonical``  when two states are the same but for names
``walk``       every state, every step from it, once
``brute``      every program one by one, to confirm the numbers
``command``    ``python -m enumeration.command``
"""
