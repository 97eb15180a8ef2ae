"""What a report says: the parts that `report.py` puts together.

scores, statistics      every score; gains with intervals and corrected p-values
bootstrap, hierarchy    the arithmetic of intervals: of pairs, and of groups of them
compared, resampled     the values of a comparison; predictions under resampled examples
headline, policies      the best intermediate of each target, and the average with it
benchmarks              XTREME and XTREME-R: which tasks, which metrics, which average
arms, arm_pairs         arms of one task against each other
groups, contrasts       groups of tasks, and their interaction (with cube and kinds)
seen, layers            seen and unseen languages; hidden states of retrieval
summary, lineage        what the numbers show, in words; what a phase was trained from
tables, configurations  what the templates show as tables
figures, gallery        pictures; rendering: text from templates
submission              files in XTREME's submission format
"""
