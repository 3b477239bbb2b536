"""Times the same graphs of functions that do next to nothing in Hamilton, in dask and in Easel, one after another on this
machine, and prints how many times as long the others take.

A graph is built, or planned, before the clock starts: what is timed is its execution alone. "known" is a second run with
a cache in memory, where the engine has one (dask has none for single tasks). Run it through run.sh, which installs the
other engines.

Shapes: "chain", every node takes the one before it; "wide", nodes that take nothing; "mesh", a square in which every node
takes two of the row before it.
"""

import argparse
import json
import logging
import math
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import types

# It tells of every error with a banner; those that matter are told below.
logging.getLogger("hamilton").setLevel(logging.CRITICAL + 1)
os.environ["HAMILTON_TELEMETRY_ENABLED"] = "false"

ROOT = pathlib.Path(__file__).resolve().parents[3]


def increment(value):
    return value + 1


def add(a, b):
    return a + b


def rows(shape, nodes):
    """For every node what it takes: names of others."""
    width = {"chain": 1, "wide": nodes, "mesh": math.isqrt(nodes)}[shape]
    graph = {}
    for node in range(nodes):
        row, column = divmod(node, width)
        above = lambda column: f"n{(row - 1) * width + column % width}"
        if row == 0:
            graph[f"n{node}"] = []
        elif shape == "mesh":
            graph[f"n{node}"] = [above(column), above(column + 1)]
        else:
            graph[f"n{node}"] = [above(column)]
    return graph


def ends(graph):
    taken = {need for needs in graph.values() for need in needs}
    return [node for node in graph if node not in taken]


def timed(work, runs):
    """Seconds of some runs after one that is not counted, sorted."""
    work()
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)


def with_large_stack(work):
    """Does the work where recursion may go deep, and says whether that was necessary."""
    try:
        return work(), False
    except RecursionError:
        pass
    result = []
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000_000)
    threading.stack_size(1 << 30)
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    thread.join()
    threading.stack_size(0)
    sys.setrecursionlimit(limit)
    if not result:
        raise RecursionError("even with a stack of 1 GiB")
    return result[0], True


def in_hamilton(shape, nodes, runs, cache):
    from hamilton import base, driver

    graph = rows(shape, nodes)
    lines = []
    for name, needs in graph.items():
        parameters = ", ".join(f"{need}: int" for need in needs)
        body = " + ".join(needs) if len(needs) == 2 else f"{needs[0] if needs else int(name[1:]) * 1_000_000} + 1"
        lines.append(f"def {name}({parameters}) -> int:\n    return {body}\n")
    module = types.ModuleType("graph")
    sys.modules["graph"] = module
    source = "\n".join(lines)
    exec(compile(source, "graph", "exec"), module.__dict__)
    builder = driver.Builder().with_modules(module).with_adapters(base.DictResult())
    if cache:
        from hamilton.caching.stores.memory import InMemoryMetadataStore, InMemoryResultStore

        # It hashes the sources of functions, which it reads from files.
        import linecache

        linecache.cache["graph"] = (len(source), None, source.splitlines(True), "graph")
        builder = builder.with_cache(metadata_store=InMemoryMetadataStore(), result_store=InMemoryResultStore())

    def work():
        # Building checks and orders the graph, as planning does, but recurses like the rest.
        built = builder.build()
        wanted = ends(graph)
        return timed(lambda: built.execute(wanted), runs)

    return with_large_stack(work)


def dask_graph(shape, nodes):
    from dask._task_spec import convert_legacy_graph

    functions = {0: increment, 1: increment, 2: add}
    legacy = {
        name: (functions[len(needs)], *(needs or [int(name[1:]) * 1_000_000])) for name, needs in rows(shape, nodes).items()
    }
    return convert_legacy_graph(legacy), ends(rows(shape, nodes))


def in_dask(get, shape, nodes, runs):
    graph, wanted = dask_graph(shape, nodes)
    return with_large_stack(lambda: timed(lambda: get(graph, wanted), runs))


def in_easel(shape, nodes):
    command = ["cargo", "bench", "--quiet", "-p", "easel-tests", "--bench", "engine", "--", "peer", shape, str(nodes)]
    # A bench that is built elsewhere can be named, to spare cargo looking at it.
    if built := os.environ.get("EASEL_ENGINE_BENCH"):
        command = [built, "peer", shape, str(nodes)]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def line(shape, engine, seconds, nodes, ours=None, note=""):
    """Microseconds per node, and the ratio of medians with what the extremes would allow."""
    per_node = [x * 1e6 / nodes for x in (seconds[0], statistics.median(seconds), seconds[-1])]
    text = f"{shape:6} {engine:28} {per_node[0]:9.2f} {per_node[1]:9.2f} {per_node[2]:9.2f}"
    if ours:
        ratio = statistics.median(seconds) / statistics.median(ours)
        text += f"   {ratio:8.1f} × ({seconds[0] / ours[-1]:.1f} to {seconds[-1] / ours[0]:.1f})"
    print(text, note, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="how often each is timed")
    parser.add_argument("--nodes", type=int, default=2_500, help="how many nodes a graph has; a square number for meshes")
    arguments = parser.parse_args()
    import dask
    import dask.threaded
    from importlib.metadata import version

    nodes, runs = arguments.nodes, arguments.runs
    print(f"{nodes} nodes, {runs} runs each; sf-hamilton {version('sf-hamilton')}, dask {dask.__version__}, ", end="")
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    print("\nµs per node" + " " * 31 + "fastest    median   slowest   as long as Easel (from, to)")
    for shape in ["chain", "wide", "mesh"]:
        ours = in_easel(shape, nodes)
        line(shape, "Easel", ours["computed"], nodes)
        others = {
            "Hamilton": lambda: in_hamilton(shape, nodes, runs, False),
            "dask, one thread": lambda: in_dask(dask.get, shape, nodes, runs),
            "dask, threads": lambda: in_dask(dask.threaded.get, shape, nodes, runs),
        }
        report(shape, others, nodes, ours["computed"])
        line(shape, "Easel, known", ours["known"], nodes)
        report(shape, {"Hamilton, known": lambda: in_hamilton(shape, nodes, runs, True)}, nodes, ours["known"])


def report(shape, others, nodes, ours):
    for engine, work in others.items():
        try:
            seconds, was_deep = work()
            line(shape, engine, seconds, nodes, ours, "only with a raised recursion limit" if was_deep else "")
        except Exception as error:
            print(f"{shape:6} {engine:28} failed: {type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main()
