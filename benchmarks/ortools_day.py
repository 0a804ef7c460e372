"""A day planned by OR-tools' routing solver: ``python ortools_day.py SECONDS < day.json > plan.json``.

It runs by itself, in an environment that has ``ortools`` and not ours: its protobuf and ours exclude each other.
Everything comes in whole minutes and indices: ``ways`` between places by speed, ``jobs`` and ``people``. A job for two
is two nodes that begin at one moment. What is not as wished costs what it costs with us, but for fair shares of work.
"""

import json
import sys
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

_NOBODY = 10_000
_CRITICAL = 100
_A_DAY = 24 * 60
_SCALE = 8  # eight minutes beside the wanted time are worth one on the way


class _Model:
    """The routing model of a day: a node for each that goes to a job, and two for each worker's ends."""

    def __init__(self, day: dict[str, Any]) -> None:
        self.people = day["people"]
        self.nodes = [job | {"number": n} for n, job in enumerate(day["jobs"]) for _ in range(job["workers"])]
        count = len(self.nodes)
        starts = [count + 2 * number for number in range(len(self.people))]
        ends = [start + 1 for start in starts]
        self.manager = pywrapcp.RoutingIndexManager(count + 2 * len(self.people), len(self.people), starts, ends)
        self.model = pywrapcp.RoutingModel(self.manager)
        self.lasts = [node["duration"] for node in self.nodes] + [0] * (2 * len(self.people))
        transits = [self._ways(number, day["ways"]) for number in range(len(self.people))]
        self.model.AddDimensionWithVehicleTransits(transits, _A_DAY, _A_DAY, False, "time")
        self.time = self.model.GetDimensionOrDie("time")
        for index in range(count):
            self._node(index)
        for number in range(len(self.people)):
            self._hours(number)
        work = self.model.RegisterUnaryTransitVector(self.lasts)
        self.model.AddDimensionWithVehicleCapacity(work, 0, [one["most"] for one in self.people], True, "work")

    def _ways(self, number: int, by_speed: list[list[list[int]]]) -> int:
        """Set what a worker's ways cost, and return how long they take; without an end there is no way to it."""
        count, one = len(self.nodes), self.people[number]
        ways = by_speed[one["speed"]]
        places = [node["place"] for node in self.nodes]
        places += [place for other in self.people for place in (other["start"], other["end"])]
        matrix = [[0 if -1 in (here, there) else ways[here][there] for there in places] for here in places]
        matrix[count + 2 * number][count + 2 * number + 1] = 0
        faces = [_SCALE * one["costs"][node["number"]] for node in self.nodes] + [0] * (2 * len(self.people))
        costs = [[_SCALE * way + face for way, face in zip(row, faces, strict=True)] for row in matrix]
        self.model.SetArcCostEvaluatorOfVehicle(self.model.RegisterTransitMatrix(costs), number)
        timed = [[way + last for way in row] for row, last in zip(matrix, self.lasts, strict=True)]
        return int(self.model.RegisterTransitMatrix(timed))

    def _node(self, index: int) -> None:
        node, at = self.nodes[index], self.manager.NodeToIndex(index)
        model, begins = self.model, self.time.CumulVar(at)
        begins.SetRange(node["since"], node["until"])
        self.time.SetCumulVarSoftLowerBound(at, node["wanted"], 1)
        self.time.SetCumulVarSoftUpperBound(at, node["wanted"], 1)
        model.VehicleVar(at).SetValues([-1, *node["able"]])
        model.AddDisjunction([at], _NOBODY * (_CRITICAL if node["critical"] else 1))
        if index and self.nodes[index - 1]["number"] == node["number"]:
            other, solver = self.manager.NodeToIndex(index - 1), model.solver()
            goes = model.ActiveVar(at)
            solver.Add(goes == model.ActiveVar(other))
            solver.Add(begins == self.time.CumulVar(other))
            solver.Add(model.VehicleVar(at) - model.VehicleVar(other) + _NOBODY * (1 - goes) != 0)

    def _hours(self, number: int) -> None:
        one, solver = self.people[number], self.model.solver()
        for end in (self.model.Start(number), self.model.End(number)):
            self.time.CumulVar(end).SetRange(one["since"], one["until"])
        pause = solver.FixedDurationIntervalVar(*one["break"], False, f"break {number}")
        self.time.SetBreakIntervalsOfVehicle([pause], number, self.lasts)

    def solved(self, seconds: int) -> list[dict[str, Any]]:
        """Return who goes where when."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        parameters.time_limit.seconds = seconds
        found = self.model.SolveWithParameters(parameters)
        plan: dict[int, dict[str, Any]] = {}
        for number in range(len(self.people)):
            index = found.Value(self.model.NextVar(self.model.Start(number)))
            while not self.model.IsEnd(index):
                job = self.nodes[self.manager.IndexToNode(index)]["number"]
                starts = found.Min(self.time.CumulVar(index))
                plan.setdefault(job, {"job": job, "starts": starts, "people": []})["people"].append(number)
                index = found.Value(self.model.NextVar(index))
        return list(plan.values())


if __name__ == "__main__":
    json.dump(_Model(json.load(sys.stdin)).solved(int(sys.argv[1])), sys.stdout)
