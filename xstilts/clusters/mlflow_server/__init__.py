"""An MLflow server with users, for the head of a cluster: `xstilts cluster mlflow`.

Everything of it is in one folder (`home`): secrets that are made once, a PostgreSQL of its own
(`postgres`), artifacts and logs. `server` starts and stops both, `users` adds people. What it
promises:

- Nobody gets in without a password; what a new user may do is said when it starts.
- PostgreSQL has no network socket at all. MLflow listens on loopback, unless a host is given
  together with the names that it may be asked for.
- No secret is ever in a command line, in an address or in a log. MLflow gets its secret key and
  the administrator's password in its environment; the password of the database is in a file that
  PostgreSQL's own library reads, so that not even MLflow knows it.
- A second start, or one after a crash, finds everything as it was.

MLflow itself is started as a program and never imported.
"""
