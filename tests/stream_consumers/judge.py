"""Compares what consumers have read with what was written: judge.py TABLE EXPECTED RECORDS...

Prints "ok - …" or "not ok - …" for each claim, and "judged" when it has come to its end.
"""

import collections
import itertools
import json
import os
import sys

import consumer


def claim(name, faults):
    """It holds when there are no faults; a few of them are shown."""
    faults = list(itertools.islice(faults, 4))
    if faults:
        print(f"not ok - {name}: " + "; ".join(map(str, faults[:3])) + (" …" if len(faults) > 3 else ""))
    else:
        print(f"ok - {name}")


def histories(records):
    """[event, old version, new version] of each item, in the order in which they were read."""
    found = collections.defaultdict(list)
    for _, _, _, event, item, old, new in records:
        found[item].append([event, old, new])
    return found


def differences(expected, found):
    for item in sorted(expected.keys() | found.keys()):
        was, read = expected.get(item, []), found.get(item, [])
        if was == read:
            continue
        at = next((i for i, (a, b) in enumerate(zip(was, read)) if a != b), min(len(was), len(read)))
        same = sorted(map(str, was)) == sorted(map(str, read))
        kind = "out of order" if same else f"{len(read)} records of {len(was)} changes"
        yield f"{item}: {kind}, from the {at + 1}. on {read[at:at + 3]} instead of {was[at:at + 3]}"


def repeated(values):
    return (value for value, count in collections.Counter(values).items() if count > 1)


def misplaced(records, shards):
    """Records that do not follow their shard's last one, or are outside its range."""
    last = collections.defaultdict(int)
    for shard, number, *_ in records:
        number = int(number)
        found = shards.get(shard)
        if found is None or number <= last[shard] or not bounds(found)[0] <= number <= bounds(found)[1]:
            yield f"{number} in {shard}"
        last[shard] = number


def bounds(shard):
    sequence = shard["SequenceNumberRange"]
    return int(sequence["StartingSequenceNumber"]), int(sequence["EndingSequenceNumber"])


def judge_shards(shards):
    children = collections.defaultdict(list)
    for shard in shards.values():
        if "ParentShardId" in shard:
            children[shard["ParentShardId"]].append(shard)
    splits = [parent for parent, found in children.items() if len(found) > 1]
    depth = {}
    for id, shard in shards.items():
        depth[id] = depth.get(shard.get("ParentShardId"), 0) + 1
    print(f"{len(shards)} shards, {len(splits)} splits, {max(depth.values())} generations")
    claim("shards closed while it was written", [] if max(depth.values()) > 2 else ["no generations"])
    claim("shards were split", [] if splits else ["none"])
    claim("all are closed in the end", (id for id in shards if "EndingSequenceNumber" not in shards[id]["SequenceNumberRange"]))
    early = (
        child["ShardId"]
        for parent, found in children.items()
        for child in found
        if parent not in shards or bounds(child)[0] < bounds(shards[parent])[1]
    )
    claim("a child begins where its parent ends", early)


def main(table, expected, *files):
    with open(expected) as file:
        expected = json.load(file)
    streams = consumer.client()
    _, listed = consumer.describe(streams, consumer.stream_of(streams, table))
    shards = {shard["ShardId"]: shard for shard in listed}
    judge_shards(shards)
    for path in files:
        name = os.path.basename(path).removesuffix(".records")
        with open(path) as file:
            records = [json.loads(line) for line in file]
        claim(f"{name}: every change once, in order per item", differences(expected, histories(records)))
        claim(f"{name}: no record twice", repeated(record[1] for record in records))
        claim(f"{name}: no eventID twice", repeated(record[2] for record in records))
        claim(f"{name}: sequence numbers rise in a shard and are in its range", misplaced(records, shards))
    print("judged")


if __name__ == "__main__":
    main(*sys.argv[1:])
