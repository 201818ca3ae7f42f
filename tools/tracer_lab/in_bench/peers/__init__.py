"""Other tools that count the same functions of the same processes, as their users have them do it.

Each is attached for the length of a block, and says afterwards what it has counted: a figure of
a peer that did not count is no figure.
"""
