"""From a source to rows under roles: the parts that `data.py` puts together.

sources   which files: hub, mirror, `user_files`, generator; `layout` says which file is which split
readers   a file as a table: Parquet, JSON lines, CSV, CoNLL; benchmarks' own: `readers_bench`,
          `treebank`
splits    `validation[:80%]`; `row_filters` keep a part of the rows
columns   the source's columns under roles (`role_readers`), labels as ids (`labels`), `agreement`
          of columns
tables    the rows of a use: the parts of a union one after the other, cut, limited
"""
