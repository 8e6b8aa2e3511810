"""Which account carries out an order: a pure choice, with its reasons. No I/O in this room, and no clock."""

from walletport.routing.choice import Decision, choose, keep, switched
from walletport.routing.ramp import Ramp
from walletport.routing.rendezvous import fraction
from walletport.routing.route import Route, RouteRequest

__all__ = ["Decision", "Ramp", "Route", "RouteRequest", "choose", "fraction", "keep", "switched"]
