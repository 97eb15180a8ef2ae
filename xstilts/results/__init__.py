"""What a report says: the parts that `report.py` puts together.

statistics, bootstrap, hierarchy   gains with intervals and corrected p values; of pairs, and of groups of them
headline, benchmarks               the best intermediate of each target, and the benchmark's average with it
arms, arm_pairs                    arms of one task against each other
cube, groups, kinds, seen          groups of tasks and their interaction; seen and unseen languages
layers                             hidden states of retrieval
summary, lineage                   what may be said in words; what a phase was made from
figures, gallery, rendering        pictures, and text from templates
"""
