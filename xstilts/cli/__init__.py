"""The command line: `main` has the verbs, `show` prints their values, `progress` shows a run."""
