"""A day planned by OR-tools' routing solver: ``python ortools_day.py SECONDS < day.json > plan.json``.

It runs by itself, in an environment that has ``ortools`` and not ours: its protobuf and ours exclude each other.
Everything comes as integers of minutes and indices: ``ways`` between places by speed, ``jobs`` and ``people``. A job for
two is two nodes that begin at one moment.
"""

import json
import sys
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

_NOBODY = 10_000
_CRITICAL = 100


def main() -> None:
    """Read a day, plan it and write who goes where when, and the seconds' worth of minutes on the way."""
    day = json.load(sys.stdin)
    nodes = [job for number, job in enumerate(day["jobs"]) for _ in range(job["workers"]) for job["number"] in [number]]
    json.dump(_solve(day, nodes, int(sys.argv[1])), sys.stdout)


def _solve(day: dict[str, Any], nodes: list[dict[str, Any]], seconds: int) -> list[dict[str, Any]]:
    people = day["people"]
    count = len(nodes)
    starts = [count + 2 * number for number in range(len(people))]
    manager = pywrapcp.RoutingIndexManager(count + 2 * len(people), len(people), starts, [one + 1 for one in starts])
    model = pywrapcp.RoutingModel(manager)
    places = [node["place"] for node in nodes] + [place for one in people for place in (one["start"], one["end"])]
    lasts = [node["duration"] for node in nodes] + [0] * (2 * len(people))
    transits = []
    for number, one in enumerate(people):
        ways = day["ways"][one["speed"]]
        matrix = [
            [0 if there == -1 or here == -1 else ways[here][there] for there in places] for here in places
        ]
        empty = (count + 2 * number, count + 2 * number + 1)
        matrix[empty[0]][empty[1]] = 0
        costs = [
            [4 * way + (4 * one["costs"][nodes[there]["number"]] if there < count else 0) for there, way in enumerate(row)]
            for row in matrix
        ]
        timed = [[way + lasts[here] for way in row] for here, row in enumerate(matrix)]
        model.SetArcCostEvaluatorOfVehicle(model.RegisterTransitMatrix(costs), number)
        transits.append(model.RegisterTransitMatrix(timed))
    model.AddDimensionWithVehicleTransits(transits, 24 * 60, 24 * 60, False, "time")
    time = model.GetDimensionOrDie("time")
    work = model.RegisterUnaryTransitVector(lasts)
    model.AddDimensionWithVehicleCapacity(work, 0, [one["most"] for one in people], True, "work")
    solver = model.solver()
    for index, node in enumerate(nodes):
        at = manager.NodeToIndex(index)
        time.CumulVar(at).SetRange(node["since"], node["until"])
        time.SetCumulVarSoftLowerBound(at, node["wanted"], 1)
        time.SetCumulVarSoftUpperBound(at, node["wanted"], 1)
        model.VehicleVar(at).SetValues([-1, *node["able"]])
        model.AddDisjunction([at], _NOBODY * (_CRITICAL if node["critical"] else 1))
        if index and nodes[index - 1]["number"] == node["number"]:
            other = manager.NodeToIndex(index - 1)
            solver.Add(model.ActiveVar(at) == model.ActiveVar(other))
            solver.Add(time.CumulVar(at) == time.CumulVar(other))
            both = model.ActiveVar(at)
            solver.Add(model.VehicleVar(at) - model.VehicleVar(other) + 1000 * (1 - both) != 0)
    for number, one in enumerate(people):
        for end in (model.Start(number), model.End(number)):
            time.CumulVar(end).SetRange(one["since"], one["until"])
        earliest, latest, length = one["break"]
        pause = solver.FixedDurationIntervalVar(earliest, latest, length, False, f"break {number}")
        time.SetBreakIntervalsOfVehicle([pause], number, [node["duration"] for node in nodes] + [0] * (2 * len(people)))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.seconds = seconds
    found = model.SolveWithParameters(parameters)
    return _read(found, model, manager, nodes, time) if found else []


def _read(found: Any, model: Any, manager: Any, nodes: list[dict[str, Any]], time: Any) -> list[dict[str, Any]]:
    plan: dict[int, dict[str, Any]] = {}
    for number in range(model.vehicles()):
        index = model.Start(number)
        while not model.IsEnd(index):
            node = manager.IndexToNode(index)
            if node < len(nodes):
                job = nodes[node]["number"]
                entry = plan.setdefault(job, {"job": job, "starts": found.Min(time.CumulVar(index)), "people": []})
                entry["people"].append(number)
            index = found.Value(model.NextVar(index))
    return list(plan.values())


if __name__ == "__main__":
    main()
