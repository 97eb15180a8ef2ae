"""Where a sweep's data and models come from: the hub, a mirror, folders of the user's."""
