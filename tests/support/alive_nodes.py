"""Prints `alive` and the addresses of the nodes that Ray takes for alive, whenever they change. Run
on the head of a cluster; ends with it.
"""

from __future__ import annotations

import logging
import time

import ray

if __name__ == "__main__":
    ray.init(address="auto", logging_level=logging.CRITICAL, log_to_driver=False)
    said = ""
    while True:
        now = " ".join(sorted(one["NodeManagerAddress"] for one in ray.nodes() if one["Alive"]))
        if now != said:
            print(f"alive {now}", flush=True)
        said = now
        time.sleep(0.5)
