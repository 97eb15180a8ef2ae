"""From a source to rows under roles: the parts that `task_data.py` puts together.

sources   finds the files: hub, mirror, `user_files` (`path_patterns`), generator; `layout` says
          which split each has
readers   reads the files of a split as one table: `parquet_files` (`class_names`), `json_lines`,
          `delimited` (CSV, TSV), `conll`; the benchmarks' own formats: `readers_bench`,
          `squad_json`, `treebank`. `raw` says what all tables have in common, `plain` sees to it
splits    cuts: `validation[:80%]`; `row_filters` keep some of the rows
columns   puts columns under roles (`role_readers`), labels as ids (`labels`), checks the
          `agreement` of columns
tables    the rows of a use: the parts of a union one after the other, cut, limited
"""
