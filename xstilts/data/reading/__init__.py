"""From a source to rows under roles: the parts that `task_data.py` puts together.

sources   finds the files: hub, mirror, `user_files`, generator; `layout` says which split each has
readers   reads a file as a table: Parquet, JSON lines, CSV, CoNLL; the benchmarks' own formats:
          `readers_bench`, `treebank`
splits    cuts: `validation[:80%]`; `row_filters` keep some of the rows
columns   puts columns under roles (`role_readers`), labels as ids (`labels`), checks the
          `agreement` of columns
tables    the rows of a use: the parts of a union one after the other, cut, limited
"""
