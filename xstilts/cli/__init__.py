"""The command line: `main` has the verbs, `show` how their values look, `progress` what a run shows
while it goes on.
"""
