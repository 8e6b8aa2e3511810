"""How requests travel: the only room that imports an HTTP library.

``engine`` decides (attempts, waits, credentials, outcome), ``drivers`` do.
"""
