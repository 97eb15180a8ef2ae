"""The benchmarks' own rules for what is right: answers, chunks, characters.

Each module is one scorer, on plain strings: SQuAD's v1.1 and v2.0, MLQA's, the segmented one that
is ours, and the chunk F1 of two versions of seqeval. `formats/` calls them in `decode`;
`metrics.py` makes scores of what they count. Nothing here knows a task, a model or a tensor.
"""
