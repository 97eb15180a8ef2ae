"""What `check` reports besides errors: data that differs from its card, evaluation rows that leak
into training rows, what is doubtful, what a model can't read, and the revision that was read.

`cards` compares the data with the cards in `tasks`; `leaks` looks for evaluation rows among
training rows by their `fingerprints`; `doubted` has all doubts: those of the rows of one use
(`data.doubts`), of labels over several (`classes`), and of a task's own fields (`task_sense`);
`model_fit` compares lengths and tokenizers with the models; `revisions` says which commit or
content each source resolves to.
"""
