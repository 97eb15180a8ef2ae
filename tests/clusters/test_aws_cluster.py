"""`cluster.yaml` brought up on a fake EC2 between machines of the laboratory.

The file is as it is shipped, with what it asks the user to fill in; roles, bucket and security
group are made by the commands of docs/clusters.md. AWS is moto, whose instances become machines of
the lab (`tests/support/fake_ec2.py`). What the cloud's metadata service would give, credentials
and region, are variables of each login shell here.
"""
