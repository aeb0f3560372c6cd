"""Records what a program does: ``with minitf.record() as timeline:``.

The recorder puts wrappers around runtimes, sessions, storages and disks (``wrappers.py``), watches objects for new edges
(``objects.py``) and reads along in the journals of restores (``restores.py``). It holds live objects weakly.
"""
