"""The benchmarks' own rules for what is right: answers, chunks, characters.

Each module is one scorer for plain strings: SQuAD's v1.1 and v2.0, MLQA's, our own segmented one,
and the chunk F1 of two versions of seqeval. `formats/` calls them in `decode`; `metrics.py` turns
their counts into scores. Nothing here knows a task, a model or a tensor.
"""
