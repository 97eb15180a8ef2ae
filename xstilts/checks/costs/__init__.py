"""What a plan will cost: examples, tokens, floating-point operations, GPU hours. Estimates, from
cards alone.

A training of S updates with batches of B rows sees S x B examples; an example has its card's mean
tokens, cut to `max_length_tokens`, for each of its input sequences. A token costs 6N operations in
a training (2N forward, 4N backward) and 2N in an evaluation, N being the parameters without
embeddings (Kaplan et al. 2020, arXiv 2001.08361, section 2.1); to that comes attention, 4 layers x
width x context forward, which is twice the term of their equation 2.2, since an encoder's tokens
see both sides. Hours are operations divided by what the GPU reaches: its peak in the precision of
the phase, times an assumed utilisation. An update also moves every parameter, embeddings among
them, through memory, however short its batch is; that takes longer than the operations where
batches are small: 50 bytes a parameter, at the memory's full speed.

Counted: every distinct phase of the plan, all trials of a search at its largest values, trainings
to their last step, the development evaluations in them. Not counted: padding (batches are cut into
chunks of like length), heads other than the masked LM's, embeddings, tokenising, loading,
translation. Nothing is read but cards and configurations.
"""
