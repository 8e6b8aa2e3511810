"""Which account carries out an order: a pure choice, with its reasons. No I/O in this room, and no clock."""

from walletport.routing.choice import Decision, choose
from walletport.routing.route import Route, RouteRequest

__all__ = ["Decision", "Route", "RouteRequest", "choose"]
