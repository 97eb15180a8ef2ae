"""What `check` reports besides errors: data that differs from its card, evaluation rows that leak
into training rows, and the revision that was read.

`cards` compares the data with the cards in `tasks`; `leaks` looks for evaluation rows among
training rows by their `fingerprints`; `revisions` says which commit or content each source resolves
to.
"""
