"""What `check` finds that is no error: data that differs from its card, rows that leak, what a
revision stands for.

`cards` compares what was found with the cards in `tasks`; `leaks` looks for evaluation rows inside
training rows by their `fingerprints`; `revisions` says which commit or content each source resolves
to.
"""
