"""Many orders, carried out together: planned from a file, resumed after anything, by one process or by many.

``source`` reads, ``checking`` holds every line against configuration and journal, ``planning`` commits the orders in
chunks, ``chunk`` carries one chunk out. ``loop`` does that in one process, ``worker`` and ``queue`` in several.
"""
