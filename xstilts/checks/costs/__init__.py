"""What a plan will cost: examples, tokens, floating-point operations, GPU hours. All are estimates,
from cards alone.

A training of S updates with batches of B rows sees S x B examples; an example has its card's mean
tokens, cut to `max_length_tokens`, for each of its input sequences. A token costs 6N operations in
a training (2N forward, 4N backward) and 2N in an evaluation, where N is the number of parameters
without embeddings (Kaplan et al. 2020, arXiv 2001.08361, section 2.1). Attention adds 4 layers x
width x context forward, twice the term of their equation 2.2, since an encoder's tokens see both
sides. Hours are operations divided by the GPU's speed: its peak in the precision of the phase,
times an assumed utilisation. Each update also moves every parameter, including embeddings, through
memory: 50 bytes a parameter, at the memory's full speed. With small batches that takes longer than
the operations.

Counted: every distinct phase of the plan, all trials of a search at its largest values, trainings
to their last step, and their development evaluations. Not counted: padding (batches are cut into
chunks of similar length), heads other than the masked LM's, embeddings, tokenising, loading,
translation. Only cards and configurations are read.
"""
