"""Publishing one evaluation of real flights on a real S3 server: how long it takes, and how much it stores."""

from __future__ import annotations

import os
import time
from statistics import median

from benchmarks.bench import Bench
from benchmarks.measure import measure
from benchmarks.results import flights
from benchmarks.row import Row, seconds
from benchmarks.stages import Stages

NIGHTS, LEAST = 20, 3
MOST_S, MOST_BYTES, MOST_BYTES_WITHOUT_HTML = 0.5, 2e6, 3e5
PAGES = ("report.html.gz", "data_docs.html.gz")
NIGHTS_A_YEAR = 365


def row(bench: Bench) -> Row:
    """Publish nights by the command line, then write each once more, whole, with a watch beside it."""
    from nightproof.demo.seaweedfs import SeaweedFS

    nights, folder = max(LEAST, int(NIGHTS * bench.scale)), bench.fresh("storing")
    with SeaweedFS(folder / "server") as server:
        os.environ.update(server.environment())
        for bucket in flights.BUCKETS:
            server.make_bucket(bucket)
        flights.lay(folder, nights=nights)
        told = flights.replay(folder, nights=nights)
        os.environ.update(flights.environment(folder, cache="cache"))
        said = measure("benchmarks.results.storing:write_again", nights=told).said
    files = {name: median(sizes) for name, sizes in said["files"].items()}
    whole = sum(files.values())
    bare = whole - sum(files.get(name, 0) for name in PAGES)
    wall_s, year = median(said["wall_s"]), NIGHTS_A_YEAR * whole / 1e9
    parts = ", ".join(f"{name} {size / 1e3:.0f} kB" for name, size in sorted(files.items(), key=lambda f: -f[1]))
    return Row(
        what="publish of one evaluation on local SeaweedFS",
        target="<= 0.5 s, <= 2 MB with HTML, <= 300 kB without",
        found=f"{seconds(wall_s)}, {whole / 1e6:.2f} MB with HTML, {bare / 1e3:.0f} kB without",
        met=wall_s <= MOST_S and whole <= MOST_BYTES and bare <= MOST_BYTES_WITHOUT_HTML,
        note=f"median of {len(told)} nights of flights, slowest {seconds(max(said['wall_s']))}, all files, manifest "
        f"and log entry; {parts}. A year of one model: {NIGHTS_A_YEAR} x {whole / 1e6:.2f} MB = {year:.2f} GB "
        f"({NIGHTS_A_YEAR * bare / 1e9:.2f} GB with pages pruned), times the price of a GB-month for each month kept",
    )


def write_again(stages: Stages, *, nights: list[str]) -> dict[str, object]:
    """Write published evaluations once more, below another folder, as a run writes them; gives wall times and sizes."""
    from nightproof.catalog import find_model, models_folder
    from nightproof.manifest import Manifest
    from nightproof.publish import FILES
    from nightproof.results import ModelResults
    from nightproof.storage import open_store

    config = find_model(flights.MODEL, models_folder())
    results = ModelResults.of(config, open_store)
    wall_s: list[float] = []
    files: dict[str, list[int]] = {}
    latest = results.log.latest()
    for night in nights:
        dossier = results.dossier(night, latest[night].evaluation_id)
        raw = dossier.read("manifest.json")
        manifest = Manifest.from_bytes(raw, name=night)
        contents = {name: dossier.read(name) for name in FILES if name in manifest.files}
        for name, stored in manifest.files.items():
            files.setdefault(name, []).append(stored.size)
        files.setdefault("manifest.json", []).append(len(raw))
        again = ModelResults(results.store, f"{results.folder}again/")
        again.log.entries()
        with stages("publish"):
            began = time.perf_counter()
            target = again.dossier(night, manifest.evaluation_id)
            for name, content in contents.items():
                target.write(name, content)
            target.stored(FILES)
            target.write("manifest.json", raw)
            again.log.append(manifest, raw)
            wall_s.append(time.perf_counter() - began)
    return {"wall_s": wall_s, "files": files}
