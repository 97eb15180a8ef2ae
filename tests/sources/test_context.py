"""What to do about data that a mirror lacks."""

from __future__ import annotations

from xstilts.sources.context import fetch_help


def test_fetch_help_names_the_command_for_what_is_on_the_hub() -> None:
    assert "`xstilts fetch SWEEP --mirror /data`" in fetch_help("org/data", "/data")


def test_fetch_help_of_a_local_name_asks_for_its_folder() -> None:
    assert fetch_help("local/mine", "/data") == (
        "it is not on the hub: put its folder there by hand"
    )
